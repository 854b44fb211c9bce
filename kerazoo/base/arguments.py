"""A model's arguments: their types, their check, and how they store themselves.

The annotations of `__init__` are the schema. They check Python calls, `config.yaml` and `--set` alike, and coerce what
fits (a list to a tuple, an integer to a float). `storing` makes every argument an attribute before `__init__` runs.
"""

import difflib
import functools
import inspect
import typing
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from kerazoo.utils.checks import MAX_SEED
from kerazoo.utils.errors import ConfigError

PositiveInt = Annotated[int, Field(gt=0, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
NumClasses = Annotated[int, Field(ge=2, strict=True)]
Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
HiddenWidths = tuple[PositiveInt, ...]  # of layers that may be left out
Activation = Literal["linear", "sigmoid", "tanh", "relu"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Bandwidths = Annotated[tuple[Positive, ...], Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, strict=True)]
ImageShape = tuple[PositiveInt, PositiveInt, Literal[1, 3]]

# Arguments of every Keras model, which a configuration does not hold.
KERAS_ARGUMENTS = ("name", "dtype", "trainable")
# A longer list is shown by its length, and kept in a file of its own.
LONGEST_INLINE = 32


# === Parameters and their check ===


class Section(BaseModel):
    """Settings that are checked: no unknown key, every number finite, and no truth value in a number's place."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def no_truth_value_for_a_number(cls, value, check):
        found = check(value)
        if _was_truth_value(value, found):
            raise ValueError("input should be a valid number")
        return found


def _was_truth_value(value, found):
    """Whether a number of what was found, however deep in tuples and mappings, was given as true or false."""
    if isinstance(found, dict) and isinstance(value, dict):
        return any(_was_truth_value(value[key], found[key]) for key in found.keys() & value.keys())
    if isinstance(found, (tuple, list)) and isinstance(value, (tuple, list)):
        return any(map(_was_truth_value, value, found))
    return isinstance(value, bool) and isinstance(found, float)


class _ModelSection(Section):
    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())


def model_parameters(cls):
    """The arguments that a configuration may set under `model`.

    Args:
        cls: type. A `ZooModel` subclass.

    Returns:
        dict[str, inspect.Parameter]. The named parameters of `__init__`, the class's own first, then those of its
        parents, to which `**kwargs` leads; annotations are resolved.
    """
    found = {}
    for owner in cls.__mro__:
        if owner.__module__.partition(".")[0] == "keras":
            break
        if "__init__" in vars(owner):
            own, takes_more = _own_parameters(owner.__init__)
            found = {**found, **{name: parameter for name, parameter in own.items() if name not in found}}
            if not takes_more:
                break
    return found


@functools.cache
def _own_parameters(init):
    """The named parameters of one `__init__`, and whether it takes `**kwargs`."""
    function = inspect.unwrap(init)
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    takes_more = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return {one.name: one.replace(annotation=hints.get(one.name, Any)) for one in named}, takes_more


@functools.cache
def _schema(cls):
    """A pydantic model of a class's arguments."""
    return _schema_of(cls.__name__, model_parameters(cls))


def _schema_of(name, parameters):
    fields = {
        one.name: (one.annotation, ... if one.default is one.empty else one.default) for one in parameters.values()
    }
    return create_model(f"{name}Arguments", __base__=_ModelSection, **fields)


def check_arguments(cls, arguments, *, keras_arguments=KERAS_ARGUMENTS, complete=True):
    """Check a model's keyword arguments against the annotations of its `__init__`.

    Args:
        cls: type. A `ZooModel` subclass.
        arguments: dict[str, Any]. The arguments.
        keras_arguments: sequence of str. Names that pass unchecked. Defaults to those that every Keras layer has.
        complete: bool. Whether a required argument that is missing is an error. Defaults to True.

    Returns:
        dict[str, Any]. The arguments that were given, coerced; empty where a required one is missing.

    Raises:
        ConfigError: an unknown argument (with the nearest name), a wrong type or a value out of range.
    """
    checked = {name: value for name, value in arguments.items() if name not in keras_arguments}
    return _coerced(cls.__name__, _schema(cls), checked, complete=complete)


def _coerced(name, schema, arguments, *, complete=True):
    try:
        values = schema(**arguments)
    except ValidationError as error:
        errors = [one for one in error.errors() if complete or one["type"] != "missing"]
        if errors:
            raise ConfigError(f"{name}: {first_error(errors, schema)}") from None
        return {}
    return {key: getattr(values, key) for key in arguments}


def first_error(errors, schema):
    """One line for the first of pydantic's errors: key, value, what is allowed."""
    first = errors[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        allowed = list(_section_fields(schema, location[:-1]))
        near = difflib.get_close_matches(location[-1], allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(allowed) or 'nothing'}"
        return f"unknown key {key!r} (value {first['input']!r}); {hint}"
    if first["type"] == "missing":
        return f"{key!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{key} = {shorten(first['input'])!r}: {message}{more}"


def _section_fields(schema, path):
    for name in path:
        schema = schema.model_fields[name].annotation
    return schema.model_fields


# === Arguments that store themselves ===


class StoresArguments:
    """Mixin; list it before `keras.Model`. Every argument of `__init__` is an attribute before `__init__` runs.

    Values are coerced first, and `__init__` receives the coerced ones. The arguments of a subclass are its own and,
    through `**kwargs`, those of its parents. Where a subclass passes an argument of its parent itself, that argument is
    fixed: it is an attribute, and no part of the configuration.
    """

    def __new__(cls, *args, **kwargs):
        given = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments
        given |= given.pop("kwargs", {})
        given = {name: value for name, value in given.items() if name != "self"}
        coerced = check_arguments(cls, given)
        model = super().__new__(cls, *args, **kwargs)
        # Keras tracks what is set on a model, which is not ready for it yet.
        vars(model)["_arguments"] = _Arguments({name: (given[name], value) for name, value in coerced.items()})
        return model

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            _refuse_taken_names(cls)
            cls.__init__ = storing(cls, cls.__init__)

    def given_arguments(self):
        """The arguments that make this model again: name -> value, as plain lists, dicts, numbers and strings."""
        kept = self._arguments
        names = [name for name in model_parameters(type(self)) if name not in kept.fixed]
        return {name: plain(kept.outer.get(name, getattr(self, name))) for name in names}


# Attributes that a model sets itself.
RESERVED = ("accumulate", "calls", "clip_norms", "ema_decay", "loss", "optimizers", "seed")


def _refuse_taken_names(cls):
    """A `ConfigError` where an argument would stand in the place of a method, or of what a model sets itself."""
    own, _ = _own_parameters(cls.__init__)
    for name in own:
        inherited = inspect.getattr_static(super(cls, cls), name, None)
        if name in RESERVED or callable(inherited) or isinstance(inherited, property):
            raise ConfigError(f"{cls.__name__}: the argument {name!r} has the name of a part of every model; rename it")


class _Arguments:
    """Of one model: `checked` name -> (value as given, coerced); `outer`, values that a parent got otherwise; `fixed`
    names that a subclass passes to its parent itself."""

    def __init__(self, checked):
        self.checked, self.outer, self.fixed, self.stored = checked, {}, set(), {}


def storing(cls, init):
    """An `__init__` whose named arguments are coerced and stored as attributes before it runs.

    Args:
        cls: type. The class that `init` belongs to, for error messages.
        init: callable. `__init__(self, ..., **kwargs)`.

    Returns:
        callable. Of the same signature.
    """
    signature = inspect.signature(init)

    @functools.wraps(init)
    def store_and_run(self, *args, **kwargs):
        own, _ = _own_parameters(init)
        bound = signature.bind(self, *args, **kwargs)
        passed = {name: value for name, value in bound.arguments.items() if name in own}
        kept = self._arguments
        unchecked = {name: value for name, value in passed.items() if kept.checked.get(name, (kept,))[0] is not value}
        values = {name: kept.checked[name][1] for name in passed if name not in unchecked}
        if unchecked:  # a subclass passes these itself
            part = _schema_of(cls.__name__, {name: own[name] for name in unchecked})
            values |= _coerced(cls.__name__, part, unchecked)
        bound.arguments.update(values)
        bound.apply_defaults()
        for name in own:
            value = bound.arguments[name]
            if name in kept.stored:
                if kept.stored[name] is not value:
                    kept.outer.setdefault(name, kept.stored[name])
            elif name in unchecked:
                kept.fixed.add(name)
            kept.stored[name] = vars(self)[name] = value
        init(*bound.args, **bound.kwargs)
        if type(self).__init__ is store_and_run:  # the last of the class and its parents to end
            self._remember_frozen()

    store_and_run.__signature__ = signature  # Keras looks at the arguments' names
    return store_and_run


def plain(value):
    """`value` with tuples, and the lists and dicts that Keras wraps where it tracks them, as plain lists and dicts."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def shorten(value):
    """A model argument for people to read: a long list is its length."""
    if isinstance(value, (list, tuple)) and len(value) > LONGEST_INLINE:
        return f"{len(value):,} entries"
    return value
