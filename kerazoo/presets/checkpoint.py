"""A run's checkpoints: checked against the run's configuration, and read."""

import contextlib
import io
import zipfile
from pathlib import Path

from kerazoo.base.arguments import plain, shorten
from kerazoo.utils.errors import PresetError
from kerazoo.utils.files import temporary_folder
from kerazoo.utils.hdf5 import check_stored
from kerazoo.utils.memory import bounded_variables
from kerazoo.utils.reading import MAX_BYTES, parse_json

PARTS = ("config.json", "model.weights.h5")


def check_checkpoint(file, config, *, error=PresetError):
    """Check, before anything of it is built, that a checkpoint is one of a configuration's run.

    Args:
        file: Path. A `.keras` file.
        config: Config. What the run trains.
        error: type. What to raise. Defaults to `PresetError`.

    Raises:
        error: damaged, or of another architecture, other arguments or another seed.
    """
    damaged = f"{file}: damaged ({{}}); remove it to go on from the checkpoint before"
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            missing = [part for part in PARTS if part not in entries]
            if missing:
                raise error(damaged.format(f"no {missing[0]} in it"))
            grown = next((e.filename for e in entries.values() if e.file_size > e.compress_size), None)
            if grown or entries["config.json"].file_size > MAX_BYTES:  # Keras stores, it does not compress
                raise error(damaged.format(f"{grown or 'config.json'} is larger than Keras writes it"))
            saved = parse_json(archive.read("config.json"))
            check_stored(io.BytesIO(archive.read("model.weights.h5")), file, error=error)
        found, compiled = saved["config"], saved.get("compile_config") or {}
        name = str(saved["registered_name"]).removeprefix("kerazoo>")
        differences = [] if name == config.architecture else [f"architecture is {name!r} there"]
        wanted = {**config.model, "seed": config.training.seed}
        for key, value in wanted.items():
            there = compiled.get(key) if key == "seed" and key not in config.model else found.get(key)
            if plain(there) != plain(value):
                differences.append(f"{key} is {shorten(there)!r} there and {shorten(value)!r} in the configuration")
    except (AttributeError, EOFError, KeyError, NotImplementedError, OSError, TypeError, ValueError, RuntimeError,
            zipfile.BadZipFile) as caught:  # fmt: skip
        if isinstance(caught, error):
            raise
        raise error(damaged.format(" ".join(str(caught).split())[:200] or type(caught).__name__)) from None
    if differences:
        raise error(f"{file}: not a checkpoint of this run ({differences[0]}); remove it")


def load_checkpoint(file, config, *, error=PresetError):
    """The compiled model of a checkpoint, checked first; see `check_checkpoint`."""
    import keras

    check_checkpoint(file, config, error=error)
    try:
        with bounded_variables(config.architecture):
            return keras.models.load_model(file)
    except (KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as caught:
        told = " ".join(str(caught).split())[:200]
        raise error(f"{file}: damaged ({told}); remove it to go on from the checkpoint before") from None


@contextlib.contextmanager
def checkpoint_weights(file, config):
    """The weights of a checkpoint (their averages, where the run makes them) as a weights file of a preset.

    Args:
        file: Path. The checkpoint.
        config: Config. Of its run.

    Yields:
        (Path, str). The file, which lasts as long as the block, and the name of the stage of training.

    Raises:
        PresetError: a damaged checkpoint.
    """
    model = load_checkpoint(file, config)
    with temporary_folder() as folder:
        path = Path(folder, "model.weights.h5")
        with model.averaged():
            twin = type(model).from_config(model.get_config())
            twin.set_weights(model.get_weights())
            twin.save_weights(path)
        yield path, model.stage.name
