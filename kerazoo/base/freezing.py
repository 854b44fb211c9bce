"""Layers that do not learn: which they are, as paths that a file or a preset can keep.

`layer.trainable = False` is a property of a layer, and no argument of the model that holds it. So a model lists what is
frozen, its configuration and its presets keep the list, and a model that is made from them freezes the same again.
"""

import re

from kerazoo.utils.errors import ConfigError

ROOT, NOT = ".", "not "
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")


class Freezing:
    """Mixin; list it before `keras.Model`. The layers that are frozen, kept wherever the model is.

    A frozen variable is left out of every update; its optimizer keeps a slot for it, so that freezing and unfreezing
    need no `compile`, and take effect with the next `fit` or `train_on_batch`.
    """

    def _remember_frozen(self):
        """Note, at the end of `__init__`, what the class freezes itself, and freeze all where `trainable=False` was
        given. Keras gives that argument to the model alone, before it has any layers."""
        given = self.trainable
        _set(self, True)
        vars(self)["_frozen_by_class"] = self.frozen_layers()
        if not given:
            self.trainable = False

    def frozen_layers(self):
        """What does not learn.

        Returns:
            list[str]. Paths: attributes of the model, then layers by their class and number, then a weight:
            `"generator"`, `"discriminator/conv2d_1"`, `"head/dense/bias"`. Each stands for all below it, but for what
            an entry with `not ` before it takes out again. `"."` is the whole model. Empty where everything learns.

        Example:
            >>> model = kerazoo.create("dcgan", image_shape=(16, 16, 1))
            >>> model.discriminator.trainable = False
            >>> model.frozen_layers()
            ['discriminator']
        """
        found, flags = [], {"": True}
        for path, part, parent in _parts(self):
            flags[path] = bool(part.trainable)
            if flags[path] != flags[parent]:
                found.append(f"{NOT if flags[path] else ''}{path}")
        return found

    def freeze_layers(self, entries):
        """Freeze exactly what a list says; everything else learns.

        Args:
            entries: list[str]. As `frozen_layers` gives them.

        Raises:
            ConfigError: the model has no such part.
        """
        wanted = {entry.removeprefix(NOT): entry.startswith(NOT) for entry in entries}
        parts = list(_parts(self))
        unknown = next(iter(wanted.keys() - {path for path, *_ in parts}), None)
        if unknown is not None:
            first = ", ".join(path for path, _, parent in parts if parent == ROOT)
            raise ConfigError(f"frozen: {type(self).__name__} has no part {unknown!r}; its parts are {first}")
        flags = {"": True}
        for path, part, parent in parts:
            flags[path] = wanted.get(path, flags[parent])
            _set(part, flags[path])

    def frozen_entries(self):
        """`frozen_layers` for a configuration; None where it is what the class freezes by itself."""
        entries = self.frozen_layers()
        return None if entries == self._frozen_by_class else entries

    def _learners(self):
        """The ids of all variables that learn unless they are frozen -> whether they do, a dict."""
        flags, found = {"": True}, {}
        for path, part, parent in _parts(self):
            # The model's own flag decides nothing: setting it has set those of all layers.
            flags[path] = path == ROOT or (part.trainable and flags[parent])
            if not hasattr(part, "trainable_variables"):
                found[id(part)] = flags[path]
        return found

    def make_train_function(self, force=False):
        """As `keras.Model.make_train_function`; a step that was traced with other layers frozen is traced anew."""
        entries = self.frozen_layers()
        if vars(self).get("_traced_frozen", entries) != entries:
            self.trace_anew()
        vars(self)["_traced_frozen"] = entries
        return super().make_train_function(force)


def _set(part, flag):
    """Set one flag alone; Keras's setter also sets those of all layers below, some of which others share."""
    part._trainable = flag


def _parts(layer, path=ROOT, parent="", seen=None):
    """(path, part, path of its parent) of a layer, its variables that can learn, and all layers below, each once."""
    seen = {id(layer)} if seen is None else seen
    yield path, layer, parent
    prefix = "" if path == ROOT else f"{path}/"
    names = set()
    for variable in layer._trainable_variables:
        if id(variable) not in seen:
            seen.add(id(variable))
            yield f"{prefix}{_free(variable.name, names)}", variable, path
    for child in layer._flatten_layers(include_self=False, recursive=False):
        name = _free(_name(layer, child), names)
        if id(child) not in seen:
            seen.add(id(child))
            yield from _parts(child, f"{prefix}{name}", path, seen)


def _name(layer, child):
    """An attribute's name; of layers in a row that of their class: their own differ from process to process."""
    attributes = (name for name, value in vars(layer).items() if value is child and not name.startswith("_"))
    return next(attributes, None) or _WORDS.sub("_", type(child).__name__).lower()


def _free(name, names):
    """`name`, or with a number behind it, that is none of `names`; it is one of them from now on."""
    found, number = name, 0
    while found in names:
        number += 1
        found = f"{name}_{number}"
    names.add(found)
    return found
