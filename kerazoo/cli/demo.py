"""`kerazoo demo`: pretrained digits, a walk in latent space, both exports, and the lines of Python that make them."""

import time

import numpy as np

from kerazoo.presets.loading import load
from kerazoo.tasks.grids import image_grid, save_png

SNIPPET = """\
import kerazoo
model = kerazoo.load("dcgan")
images = model.generate(64, seed=0)   # (64, 28, 28, 1) float32 in [0, 1]
model.export("models/dcgan/1")        # for TensorFlow Serving, or: kerazoo serve models/
model.export("dcgan.tflite", "litert")"""


def run_demo(out, *, seed=0, overwrite=True, say=print):
    """Write `samples.png` and `interpolation.png` of the pretrained DCGAN, and its exports, and say what was done.

    Args:
        out: Path. The folder; made where it is missing.
        seed: int. Seed of the latents. Defaults to 0.
        overwrite: bool. Whether what an earlier demo wrote may be replaced. Defaults to True.
        say: callable. Told each line. Defaults to `print`.

    Returns:
        dict[str, float]. Seconds of `load` and `generate`.
    """
    began = time.perf_counter()
    model = load("dcgan")
    loaded = time.perf_counter()
    images = model.generate(64, seed=seed)
    sampled = time.perf_counter()
    extractor = load("cnn_classifier")
    labels = [str(label) for label in extractor.classify(images).argmax(axis=1)]
    samples, walk = out / "samples.png", out / "interpolation.png"
    title = f"{model.preset}, seed {seed}; below each: its class by {extractor.preset}"
    save_png(image_grid(images, columns=8, labels=labels, title=title), samples, overwrite=overwrite)
    rows = model.interpolate(12, num_rows=8, seed=seed)
    picture = image_grid(rows.reshape(-1, *model.image_shape), columns=12, title="straight lines between latents")
    save_png(picture, walk, overwrite=overwrite)
    say(f"{samples}: 64 digits drawn by {model.preset}")
    say(f"{walk}: 8 walks in latent space, each begins where the last one ended")
    _export(model, out, seed=seed, overwrite=overwrite, say=say)
    say(f"loading took {loaded - began:.2f} s, drawing 64 digits {sampled - loaded:.2f} s; the same in Python:\n")
    say(SNIPPET)
    return {"load": loaded - began, "generate": sampled - loaded}


def _export(model, out, *, seed, overwrite, say):
    """Write both exports, load them again, and compare what they draw with what Keras draws."""
    z = model.latent_prior.sample(16, seed=seed)
    expected = model.decode(z)
    for path, format, reload in (
        (out / "models" / "dcgan" / "1", "saved_model", _saved_model_images),
        (out / "dcgan.tflite", "litert", _litert_images),
    ):
        model.export(path, format, overwrite=overwrite)
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 1e6
        difference = np.abs(reload(path, z) - expected).max()
        say(f"{path}: {size:.2f} MB, loaded again; largest difference from Keras over 16 digits {difference:.1e}")


def _saved_model_images(path, z):
    import tensorflow as tf

    return tf.saved_model.load(str(path)).signatures["generate"](z=tf.constant(z))["images"].numpy()


def _litert_images(path, z):
    from kerazoo.utils.litert import LiteRTFile

    return LiteRTFile(path).run("generate", z=z)["images"]
