"""`kerazoo demo`: pretrained digits, a walk in latent space, and the lines of Python that make them."""

import time

from kerazoo.figures import image_grid, save_png
from kerazoo.zoo import load

SNIPPET = """\
import kerazoo
model = kerazoo.load("dcgan")
images = model.generate(64, seed=0)   # (64, 28, 28, 1) float32 in [0, 1]"""


def run_demo(out, *, seed=0, overwrite=True, say=print):
    """Write `samples.png` and `interpolation.png` of the pretrained DCGAN into a folder and say what was done.

    Args:
        out: Path. The folder; made where it is missing.
        seed: int. Seed of the latents. Defaults to 0.
        overwrite: bool. Whether pictures of an earlier demo may be replaced. Defaults to True.
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
    say(f"loading took {loaded - began:.2f} s, drawing 64 digits {sampled - loaded:.2f} s; the same in Python:\n")
    say(SNIPPET)
    return {"load": loaded - began, "generate": sampled - loaded}
