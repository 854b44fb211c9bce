"""`tfds:NAME`: the images or texts and the labels of a TensorFlow Datasets dataset, from a prepared folder."""

import dataclasses
import difflib
import logging
import os
import re
from contextlib import contextmanager

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import allocate, fit_tensor, wanted_shape
from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.schemes import source
from kerazoo.utils.errors import DataError, MissingDependencyError, UnknownNameError

_BATCH = 512  # examples handed to NumPy at once; one by one costs ten times as much
# For prepared folders that do not state theirs.
_LICENCES = {
    "mnist": "CC BY-SA 3.0",
    "imdb_reviews": "free for research, see http://ai.stanford.edu/~amaas/data/sentiment/",
    "tiny_shakespeare": "public domain text",
}


@source("tfds", "NAME")
def open_tfds(request):
    """Open the images, or else the texts, of a TFDS dataset, read into memory once, in the order of the files.

    The folder is `TFDS_DATA_DIR`, or TFDS's default, `~/tensorflow_datasets`. Nothing is downloaded without
    `download=True`.

    Args:
        request: a `Request`. Splits are those of TFDS, slices included ("train[:1000]", "train[10%:]"). A slice after
            the name applies to every split: "tfds:mnist[:1000]". A configuration and a version are part of the name:
            "tfds:imdb_reviews/plain_text:1.0.0". Images that differ in size need an `image_shape`.

    Returns:
        A `Source` of {"image": uint8 `(n, H, W, C)`, "label": int64 `(n,)` where the dataset has a class label}; for a
        dataset with texts and no images, {"text": object array `(n,)` of str, "label"}.

    Raises:
        MissingDependencyError: `tensorflow_datasets` is not installed.
        UnknownNameError: TFDS knows no such dataset.
        DataError: the dataset is not prepared, cannot be read, lacks the split, holds neither 8-bit images nor texts,
            or holds texts where an `image_shape` is asked for.
    """
    asked, request = request.split, _with_slice(request)
    builder = prepared_builder(request)
    num = num_examples(builder, request)
    features = dict(builder.info.features.items())
    label, shape = features.get("label"), None
    if _is_text(features):
        request.refuse_images("text")
        arrays = {"text": np.empty(num, object)}
    else:
        shape = _image_shape(request, features)
        arrays = {"image": allocate((num, *shape))}
    if hasattr(label, "num_classes"):
        arrays["label"] = np.empty(num, np.int64)
    try:
        _fill(arrays, _read(builder, request.split, num, shape, list(arrays)))
        if "text" in arrays:
            arrays["text"][:] = [text.decode("utf-8") for text in arrays["text"]]
    except Exception as error:  # TensorFlow, TFDS and the file system each raise their own types
        raise DataError(
            f"{request.spec} cannot be read from {builder.data_dir} ({_one_line(error)}): delete that folder and "
            "prepare it again"
        ) from error

    info = builder.info
    stated = getattr(info.redistribution_info, "license", "") or ""
    return from_arrays(
        arrays,
        name=request.spec,
        split=asked,
        class_names=tuple(label.names) if getattr(label, "names", None) else None,
        licence=" ".join(stated.split()) or _LICENCES.get(builder.name, f"see {info.homepage}"),
        homepage=info.homepage or None,
        citation=info.citation or None,
    )


def _with_slice(request):
    """Return the request with a slice after the dataset's name moved to its split."""
    match = re.fullmatch(r"(.+?)(\[.*\])", request.argument)
    if match is None:
        return request
    if "[" in request.split:
        raise DataError(
            f"{request.spec}: a slice after the name and one in the split, {request.split!r}: give one of them"
        )
    return dataclasses.replace(request, argument=match[1], split=request.split + match[2])


def prepared_builder(request):
    """Return the TFDS builder of a `Request`, prepared on disk; downloads only if the request allows it.

    Raises:
        MissingDependencyError, UnknownNameError, DataError: as in `open_tfds`.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise MissingDependencyError(
            f"{request.spec} needs tensorflow_datasets ({_one_line(error)}): pip install 'kerazoo[tfds]'"
        ) from error
    with _quiet(tfds):
        try:
            # Looked up here because TFDS itself reads the variable only when it is imported.
            builder = tfds.builder(request.argument, data_dir=os.environ.get("TFDS_DATA_DIR"))
        except tfds.core.DatasetNotFoundError as error:
            names = tfds.list_builders(with_community_datasets=False)
            nearest = difflib.get_close_matches(request.argument, names, n=3)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else "see https://www.tensorflow.org/datasets"
            raise UnknownNameError(f"{request.spec}: TFDS has no dataset {request.argument!r}; {hint}") from error
        except Exception as error:  # a wrong config or version: TFDS raises ValueError, AssertionError and others
            raise DataError(f"{request.spec}: TFDS cannot open it ({_one_line(error)})") from error
        if not builder.info.splits and request.download:
            try:
                builder.download_and_prepare()
            except Exception as error:
                raise DataError(f"{request.spec}: the download failed ({_one_line(error)}): try again later") from error
    if not builder.info.splits:
        raise DataError(
            f"{request.spec} is not prepared in {builder.data_dir}: add --download (download=True in Python), or set "
            "TFDS_DATA_DIR=FOLDER to a folder that has it"
        )
    return builder


def num_examples(builder, request):
    """Return how many examples the request's split and limit give.

    Raises:
        DataError: the split does not exist, cannot be parsed, or is empty.
    """
    try:
        num = builder.info.splits[request.split].num_examples
    except (ValueError, KeyError) as error:
        splits = [f"{name} ({split.num_examples:,})" for name, split in builder.info.splits.items()]
        raise request.no_split(splits, ", and slices such as train[:1000]") from error
    if num <= 0:
        raise DataError(f"{request.spec}[{request.split}]: no examples")
    return num if request.limit is None else min(num, request.limit)


def _is_text(features):
    """Tell whether a dataset has texts under "text" and no images."""
    text = features.get("text")
    return "image" not in features and text is not None and text.shape == () and np.dtype(text.np_dtype).kind in "OSU"


def _image_shape(request, features):
    """Return the shape in which the images of a dataset are read."""
    image = features.get("image")
    own = tuple(image.shape or ()) if image is not None else ()
    if len(own) != 3 or np.dtype(image.np_dtype) != np.uint8:
        held = ", ".join(features)
        raise DataError(
            f"{request.spec} has no 8-bit images under 'image' and no texts under 'text' (it holds: {held}): choose "
            "another dataset"
        )
    if None in (request.fixed_shape or own):
        raise DataError(f"{request.spec}: its images differ in size, {own}: give image_shape=(height, width, channels)")
    return wanted_shape(request.image_shape, own)


def _fill(arrays, dataset):
    """Copy the batches of a dataset into the arrays, one after the other."""
    row = 0
    for batch in dataset.as_numpy_iterator():
        rows = slice(row, row + len(next(iter(batch.values()))))
        for key, array in arrays.items():
            array[rows] = batch[key]
        row = rows.stop


def _read(builder, split, num, shape, keys):
    """Return a dataset of batches of the first `num` examples, decoded in parallel, in file order.

    Images are brought to `shape`, which is None if there are none.
    """
    import tensorflow_datasets as tfds

    config = tfds.ReadConfig(
        shuffle_seed=None,
        interleave_cycle_length=1,  # one shard after the other: the order does not depend on their number
        num_parallel_calls_for_interleave_files=1,
        num_parallel_calls_for_decode=PARALLEL_CALLS,
        try_autocache=False,
        skip_prefetch=True,
    )
    config.options.autotune.enabled = False
    config.options.deterministic = True
    with _quiet(tfds):
        dataset = builder.as_dataset(
            split=split,
            read_config=config,
            shuffle_files=False,
            decoders=tfds.decode.PartialDecoding(dict.fromkeys(keys, True)),
        )
    dataset = dataset.take(num)

    def fit(examples):
        return {**examples, "image": fit_tensor(examples["image"], shape)}

    if shape is None:
        dataset = dataset.batch(_BATCH)
    elif dataset.element_spec["image"].shape.is_fully_defined():
        dataset = dataset.batch(_BATCH).map(fit, num_parallel_calls=PARALLEL_CALLS)
    else:  # images of different sizes can be batched only after they are brought to one
        dataset = dataset.map(fit, num_parallel_calls=PARALLEL_CALLS).batch(_BATCH)
    return with_fixed_options(dataset.prefetch(2))


@contextmanager
def _quiet(tfds):
    """Keep TFDS's progress bars and its information and warning lines off the terminal."""
    tfds.disable_progress_bar()
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _one_line(error):
    """Return the first line of an error, shortened and without TFDS's preamble."""
    text = re.sub(r'^Failed to construct dataset .*?}": ', "", str(error).strip())
    return text.splitlines()[0][:200] if text else type(error).__name__
