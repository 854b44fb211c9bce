"""`ZooModel`, the base class of every architecture: optimizers by role, exact noise, exact saving, `fit` on any data.

A subclass writes its paper: networks, losses, and where it has its own the order of the updates. This base solves once:

- **Arguments** store themselves, and are the configuration: `arguments.py`. **Verbs** declare themselves: `verbs.py`.
- **Roles.** Each role (`"generator"`, ...) has its networks and its optimizer (`compiling.py`); `minimize` changes its
  variables alone (`updates.py`).
- **Devices.** `minimize` divides a sum of per-example losses by the global batch (`replicas.py`), and `noise` gives
  each example its own row of one global draw (`noise.py`), so a batch split over replicas trains exactly like the same
  batch on one device.
- **Data.** `fit`, `evaluate` and the checks of what they are given: `fitting.py`, `example_spaces.py`.
- **Frozen layers**, kept in files and presets: `freezing.py`.
- **Averages** of the weights over the steps: `averages.py`.
- **Stages** of training, for models that are trained in parts: `stages.py`.
- **Resumption.** Noise is a function of (seed, step, stream), and the step, the seed and every optimizer are in the
  `.keras` file, so a reloaded model continues as if it had never stopped.
"""

from pathlib import Path
from typing import Any

import keras

from kerazoo.base.arguments import StoresArguments
from kerazoo.base.averages import Averaging
from kerazoo.base.compiled_calls import Calls
from kerazoo.base.compiling import Compiling
from kerazoo.base.example_spaces import Images
from kerazoo.base.fitting import Fitting
from kerazoo.base.freezing import Freezing
from kerazoo.base.logs import Logging
from kerazoo.base.loops import Looping
from kerazoo.base.noise import Noisy, begin_streams
from kerazoo.base.precision import precision
from kerazoo.base.saving import Saving
from kerazoo.base.stages import Staged
from kerazoo.base.state import Stateful, TrainingState
from kerazoo.base.updates import Updating
from kerazoo.base.verbs import declarations
from kerazoo.utils.backend import check_backend

check_backend()


class ZooModel(
    StoresArguments,
    Freezing,
    Saving,
    Compiling,
    Updating,
    Averaging,
    Logging,
    Noisy,
    Looping,
    Fitting,
    Staged,
    Stateful,
    keras.Model,
):
    """Base of every architecture of the zoo.

    A subclass sets `task`, `roles` and `paper`, builds its networks in `__init__` (the arguments are attributes by
    then), and writes `call`, `default_optimizers`, `losses` (or `train_step` and `test_step`) and its verbs.

    Args:
        **kwargs: `name`, `dtype` (a dtype or policy such as `"mixed_bfloat16"`) and `trainable` of `keras.Model`.

    Attributes:
        architecture, preset: str. The registered name; the preset whose weights were loaded (None: fresh weights).
        preset_folder: Path or None. Where that preset was read from.
        page_inputs: dict. Inputs that a server's page begins with, as the preset says: input of a signature -> text,
            number or picture.
        task: str. What the model does; names the module of `kerazoo.tasks` that samples and evaluates it.
        roles: dict[str, tuple[str, ...]]. Role -> names of the attributes that hold the networks it trains.
        tracked: tuple[str, ...]. Names of the losses and metrics that training logs; `<role>_loss` by default.
        space: ExampleSpace. What one example is; images in [0, 1] of `image_shape` by default.
        code_verb: str. The verb that gives features of examples, for `kerazoo embed`; a model without it has none.
        default_endpoint: str or None. The first exported signature; None takes the first that is declared.
        batches_per_step: int. Batches that a training step takes, the k-th in rows `k::batches_per_step`.
        clip_norms: dict[str, float]. Role -> largest norm of its gradient; roles left out are not clipped.
        image_shape: tuple[int, int, int] or None. Of models of images: height, width, channels.
        image_sizes: tuple[int, int]. The smallest and largest image side, for models of images of any size.
    """

    architecture: str | None = None
    preset: str | None = None
    preset_folder: Path | None = None
    page_inputs: dict[str, Any] = {}
    task: Any = None  # a string; a family may compute it
    paper: str | None = None
    roles: dict[str, tuple[str, ...]] = {}
    tracked: tuple[str, ...] = ()
    batches_per_step: Any = 1
    image_shape: Any = None
    image_sizes: tuple[int, int] | None = None
    code_verb: str = "encode"
    default_endpoint: str | None = None

    def __init__(self, **kwargs):
        # Inputs are converted where their meaning is known (uint8 images, integer labels), not by autocasting.
        super().__init__(autocast=False, **{**kwargs, "dtype": precision(kwargs.get("dtype"))})
        self.optimizers = {}
        self.clip_norms = {}
        self._trackers = {}
        self._state = TrainingState()
        self.calls = Calls()
        self.built = True  # networks are built in `__init__`, never in the first batch

    @property
    def space(self):
        """The space of one example, an object of `kerazoo.base.example_spaces`."""
        return Images(self.image_shape)

    @property
    def step(self):
        """The number of training steps since `compile` (a variable; saved in `.keras` files)."""
        return self._state["step"]

    # === Training ===

    def losses(self, batch, *, training):
        """The loss of each example of a batch (a dict of tensors), for stages that train one role by one loss."""
        raise NotImplementedError(f"{type(self).__name__} has neither `losses` nor a `train_step` of its own")

    def train_step(self, data):
        """One step of training on a batch: an update of the stage's only role by `losses`.

        A subclass with other updates writes them here, and ends with `return self.finish_step()`.
        """
        (role,) = self.stage.roles
        self.minimize(role, lambda batch: self.losses(batch, training=True), self.batch(data))
        return self.finish_step()

    def test_step(self, data):
        """The losses of a batch, without an update."""
        (role,) = self.stage.roles
        self.track(**{f"{role}_loss": self.losses(self.batch(data), training=False)})
        return self.logs()

    def finish_step(self):
        """Count the step, which moves all noise on, take its weights into the averages, and return the logs."""
        self.update_averages()
        self.step.assign_add(1)
        begin_streams()
        return self.logs()

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """What this paper measures beside its task; `kerazoo evaluate` adds it to the task's figures.

        Args:
            data: kerazoo.tasks.Data. `data.open(split)` gives a source: `sample(num, seed=...)` of it some rows, a dict
                of arrays, and `arrays` what it has.
            settings: EvaluationConfig. `split`, `num`, `seed`.
            extractor: callable. Without arguments; gives the classifier that the configuration names, with `features`
                and `classify`.

        Returns:
            dict[str, float]. By name; none by default.
        """
        return {}

    def own_pictures(self, examples, seed):
        """What this paper shows below the examples of its task's picture: filters, a chain.

        Args:
            examples: array. Those in the picture.
            seed: int. The picture's.

        Returns:
            list of arrays. Images like the examples, float in [0, 1], each array from a new row on; none by default.
        """
        return []

    # === Leaving Python ===

    def endpoints(self):
        """The exported signatures: every `@verb` and `@endpoint`, and what mixins add.

        Returns:
            dict[str, kerazoo.base.endpoints.Endpoint]. By name, the default one first: `default_endpoint`, or else the
            first that is declared.
        """
        declared = {one.name: one for one in declarations(type(self)).values() if one.when(self)}
        found = {**self.extra_endpoints(), **{name: one.endpoint(self) for name, one in declared.items()}}
        first = self.default_endpoint or next(iter(found), None)
        if first is None:
            raise NotImplementedError(f"{type(self).__name__} declares no endpoints, so there is nothing to export")
        return {first: found[first], **found}

    def extra_endpoints(self):
        """Exported signatures that no decorator declares, a dict as of `endpoints`; none by default."""
        return {}

    def export(self, path, format="saved_model", *, overwrite=False, verbose=False, **options):
        """Write the model for TensorFlow Serving (`"saved_model"`, a folder) or for devices (`"litert"`, a file).

        Args:
            path: str or Path. Folder, for example `"models/dcgan/1"`, or file, for example `"dcgan.tflite"`.
            format: `"saved_model"` or `"litert"`. Defaults to `"saved_model"`.
            overwrite: bool. Whether an earlier export may be replaced. Defaults to False.
            verbose: bool. Whether to print a line with the signatures, as `keras.Model.export` does. Defaults to False.
            **options: of the format; see `kerazoo.exporting.export_saved_model` and `export_litert`.

        Returns:
            dict. The export's metadata: signatures, bytes, and the largest difference from Keras of each signature.

        Raises:
            ExportError: another format, an option that it does not have, or a signature that does not give what Keras
                gives, or cannot be converted.
            OutputError: the path exists or cannot be written; nothing is left behind.

        Example:
            >>> kerazoo.load("dcgan").export("models/dcgan/1")["default_signature"]
            'generate'
        """
        from kerazoo.exporting import export

        metadata = export(self, path, format, overwrite=overwrite, **options)
        if verbose:
            print(f"wrote {path}: {', '.join(metadata['signatures'])}")
        return metadata

    def save_preset(self, folder, *, overwrite=False, **kwargs):
        """Write the model as a preset folder that `kerazoo.load(folder)` reads.

        Args:
            folder: str or Path. Written under a temporary name, then renamed.
            overwrite: bool. Whether an existing preset folder may be replaced. Defaults to False.
            **kwargs: `config` and `training` of `kerazoo.presets.preset.save_preset`.

        Returns:
            Path. The folder.

        Raises:
            OutputError: the folder exists or cannot be written; nothing is left behind.

        Example:
            >>> model = kerazoo.create("vae", latent_dim=2)
            >>> model.save_preset("mine").name
            'mine'
            >>> kerazoo.load("mine").latent_dim
            2
        """
        from kerazoo.presets.preset import save_preset

        return save_preset(self, folder, overwrite=overwrite, **kwargs)
