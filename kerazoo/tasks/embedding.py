"""Features of examples by a trained model, for use elsewhere: as numbers, as a map of points, for TensorBoard."""

from pathlib import Path

import numpy as np

from kerazoo.metrics import principal_components
from kerazoo.tasks.plots import class_map
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.files import check_free, new_file, new_folder
from kerazoo.utils.images import as_float_array, as_rows

METHODS = ("pca", "tsne")
# The projector takes pictures in one sprite of at most 8192 pixels a side.
SPRITE_SIDE = 8192
PROJECTOR_FILES = ("features.tsv", "labels.tsv", "sprite.png", "projector_config.pbtxt")


def encode(model, examples):
    """The features of examples as rows, by the verb that the model names as `code_verb`.

    Args:
        model: ZooModel. Where its verb gives a distribution, the features are the means.
        examples: array, as the verb takes it.

    Returns:
        np.ndarray. float32, shape `(num, features)`; feature maps are laid out in a row.

    Raises:
        ConfigError: the model has no such verb.

    Example:
        >>> fresh = kerazoo.create("vae", image_shape=(8, 8, 1), latent_dim=3)
        >>> encode(fresh, np.zeros((5, 8, 8, 1), "float32")).shape
        (5, 3)
    """
    verb = getattr(model, model.code_verb, None)
    if verb is None:
        raise ConfigError(
            f"{model.architecture} makes no features of examples; models with a verb `encode` or `features` do, such "
            "as autoencoder, vae, rbm, bigan, dcgan or cnn_classifier"
        )
    found = verb(examples)
    return as_rows(found["mean"] if isinstance(found, dict) else found)


def plane(features, *, method="pca", seed=0):
    """Features as points of the plane, by scikit-learn.

    Args:
        features: array, shape `(num, features)`; of two features as they are, of one on a line.
        method: "pca", the first two principal components, or "tsne", t-SNE begun from them. Defaults to `"pca"`.
        seed: int. Of t-SNE. Defaults to 0.

    Returns:
        np.ndarray. float32, shape `(num, 2)`.

    Raises:
        ConfigError: another method, or fewer than three examples.

    Example:
        >>> plane(np.random.default_rng(0).normal(size=(10, 4))).shape
        (10, 2)
    """
    from sklearn.manifold import TSNE

    if method not in METHODS:
        raise ConfigError(f"method = {method!r}: {' or '.join(METHODS)} is expected")
    num, width = features.shape
    if num < 3:
        raise ConfigError(f"{num} examples: at least three are needed for a map")
    if width <= 2:
        return np.pad(features, ((0, 0), (0, 2 - width))).astype("float32")
    if method == "pca":
        return ((features - features.mean(axis=0)) @ principal_components(features, 2)).astype("float32")
    return TSNE(2, init="pca", perplexity=min(30.0, (num - 1) / 3), random_state=seed).fit_transform(features)


def write_embedding(model, source, path, *, num=2000, seed=0, method="pca", overwrite=False):
    """Write features, their map, and what TensorBoard's projector reads.

    Args:
        model: ZooModel that `encode` takes.
        source: kerazoo.data.Source. Its examples, with labels or without.
        path: str or Path. `NAME` or `NAME.npz`. `NAME.npz` gets `features`, their map `plane` and, where there are
            labels, `labels`; `NAME.png` the map, coloured by label; the folder `NAME-projector` what
            `tensorboard --logdir NAME-projector` shows.
        num: int. How many examples; all, if there are fewer. Defaults to 2,000.
        seed: int. Which ones. Defaults to 0.
        method: as for `plane`.
        overwrite: bool. Whether files that are there may be replaced. Defaults to False.

    Returns:
        tuple[Path, Path, Path]. The two files and the folder.

    Raises:
        ConfigError: as for `encode` and `plane`, or a name with another suffix.
        OutputError: something is there already, or cannot be written.
    """
    path = Path(path)
    if path.suffix not in ("", ".npz"):
        raise ConfigError(f"{path}: features are written as .npz; choose this suffix or none")
    base = path.with_suffix("")
    table, picture, folder = (base.with_name(base.name + end) for end in (".npz", ".png", "-projector"))
    for target in (table, picture, folder):
        check_free(target, overwrite=overwrite)
    rows = source.sample(min(check_integer("num", num), len(source)), seed=seed)
    examples, labels = rows[source.info.key], rows.get("label")
    features = encode(model, examples)
    points = plane(features, method=method, seed=seed)
    names = None if labels is None else _names(source.info.class_names, labels)
    arrays = {"features": features, "plane": points} | ({} if labels is None else {"labels": labels})
    with new_file(table, overwrite=overwrite) as temporary:
        np.savez(temporary, **arrays)
    class_map(points, picture, labels=names, overwrite=overwrite)
    with new_folder(folder, overwrite=overwrite, owned=PROJECTOR_FILES) as temporary:
        _write_projector(temporary, features, names, examples)
    return table, picture, folder


def _names(class_names, labels):
    return [str(label) if class_names is None else class_names[label] for label in labels]


def _write_projector(folder, features, names, examples):
    from tensorboard.plugins.projector import ProjectorConfig

    config = ProjectorConfig()
    embedding = config.embeddings.add(tensor_name="features", tensor_path="features.tsv")
    np.savetxt(folder / "features.tsv", features, fmt="%.6g", delimiter="\t")
    if names is not None:
        (folder / "labels.tsv").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        embedding.metadata_path = "labels.tsv"
    side = int(np.ceil(np.sqrt(len(examples))))
    if np.ndim(examples) == 4 and side * max(examples.shape[1:3]) <= SPRITE_SIDE:
        _sprite(examples, side).save(folder / "sprite.png")
        embedding.sprite.image_path = "sprite.png"
        embedding.sprite.single_image_dim.extend([examples.shape[2], examples.shape[1]])
    (folder / "projector_config.pbtxt").write_text(str(config), encoding="utf-8")


def _sprite(examples, side):
    """Images row by row in one square, without gaps."""
    from PIL import Image

    pixels = np.round(255 * as_float_array(examples)).astype("uint8")
    pixels = np.pad(pixels, ((0, side**2 - len(pixels)), (0, 0), (0, 0), (0, 0)))
    height, width, channels = pixels.shape[1:]
    tiles = pixels.reshape(side, side, height, width, channels).swapaxes(1, 2).reshape(side * height, side * width, -1)
    return Image.fromarray(tiles[..., 0] if channels == 1 else tiles)
