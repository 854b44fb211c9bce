"""`@verb`: one function of tensors is a method on arrays, an exported signature, and standard parts of a docstring.

    @verb("probabilities", images="images")
    def discriminate(self, images):
        "The discriminator's probability that each image is real."
        return tf.sigmoid(self.discriminator(to_signed(images), training=False))[:, 0]

`model.discriminate(array)` checks the array, works in batches, compiled, and returns an array; the endpoint
`"discriminate"` has the input `images` and the output `probabilities`; and inside a graph, on tensors, the method is
its formula, as within another verb's. `@endpoint` declares a function that is exported alone, for what Python calls in
another way.
"""

import contextvars
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from kerazoo.base import inputs as kinds
from kerazoo.base.endpoints import Endpoint
from kerazoo.base.priors import check_codes
from kerazoo.utils.images import as_float


@dataclass(frozen=True)
class Kind:
    """A kind of input that verbs name.

    Attributes:
        input: callable `model -> Input`. As an exported signature takes it.
        check: callable `(model, value) -> array`. What a user gave, checked; raises an error of one line.
        about: str. For docstrings.
        convert: callable `(model, tensor) -> tensor`. To what the function works on. Defaults to no change.
        name: callable `(model, name) -> name`. Of the input in the signature. Defaults to the argument's.
    """

    input: Callable
    check: Callable
    about: str
    convert: Callable = lambda model, tensor: tensor
    name: Callable = lambda model, name: name


# A verb names these; of anything else it gives `model -> Input`, for functions that are exported alone.
KINDS = {
    "images": Kind(
        lambda model: kinds.images(model.image_shape),
        lambda model, value: model.check_inputs(value),
        "array. uint8, or float in [0, 1], shape `(num, *image_shape)`",
        lambda model, tensor: as_float(tensor),
    ),
    "examples": Kind(
        lambda model: model.space.input(),
        lambda model, value: model.check_inputs(value),
        "array. Examples like those that the model learns from, for images uint8, or float in [0, 1]",
        lambda model, tensor: model.space.as_float(tensor),
        lambda model, name: model.space.name,
    ),
    "latents": Kind(
        lambda model: model.latent_prior.input(),
        lambda model, value: model.latent_prior.check(value),
        "array. float, finite, shape `(num, latent_dim)`",
    ),
    "codes": Kind(
        lambda model: kinds.codes(model.code_shape),
        lambda model, value: check_codes(value, model.code_shape),
        "array. float, finite, shape `(num, *code_shape)`",
    ),
    "labels": Kind(
        lambda model: kinds.labels(model.num_classes),
        lambda model, value: model.check_labels(value),
        "array. Integers from 0 to `num_classes - 1`, shape `(num,)`",
    ),
}


@dataclass(frozen=True, eq=False)
class Declaration:
    """One function of a model's tensors, as it is exported.

    Attributes:
        name: str. Of the signature.
        function: callable `(model, *tensors)`.
        inputs: dict[str, Kind or callable]. Name of each argument -> kind, or `model -> Input`.
        outputs: str, tuple of str, or None. As for `Endpoint`.
        int8, server_only: str or None. As for `Endpoint`.
        when: callable `model -> bool`. Whether a model has it.
    """

    name: str
    function: Callable
    inputs: dict
    outputs: str | tuple | None
    int8: str | None = None
    server_only: str | None = None
    when: Callable = lambda model: True

    def of(self, model):
        """The function of tensors of one model."""
        function = functools.partial(_run, model, self)
        function.declaration = self
        return function

    def endpoint(self, model):
        """The `Endpoint` of one model."""
        named = {_name(kind)(model, name): _input(kind)(model) for name, kind in self.inputs.items()}
        return Endpoint(self.of(model), named, self.outputs, self.int8, self.server_only)


_formula = contextvars.ContextVar("formula", default=False)


def _run(model, declaration, *tensors):
    pairs = zip(declaration.inputs.values(), tensors, strict=True)
    token = _formula.set(True)
    try:
        return declaration.function(model, *(_convert(kind)(model, tensor) for kind, tensor in pairs))
    finally:
        _formula.reset(token)


def _in_formula(values):
    """Whether a verb is called by another one's formula, or in a graph: on tensors, which are not checked."""
    tensors = [value for value in values if tf.is_tensor(value)]
    return bool(tensors) and (_formula.get() or any(map(tf.is_symbolic_tensor, tensors)))


def _input(kind):
    return getattr(kind, "input", kind)


def _name(kind):
    return getattr(kind, "name", lambda model, name: name)


def _convert(kind):
    return getattr(kind, "convert", lambda model, tensor: tensor)


def endpoint(outputs, *, name=None, int8=None, server_only=None, when=None, **inputs):
    """Method decorator: export a function of tensors; in Python it stays what it is.

    Args:
        outputs: str, tuple of str, or None. The name of the tensor that it returns, or the names of the tuple's; None
            for a dict of tensors.
        name: str or None. Of the signature. Defaults to None: the function's, without an underscore before it.
        int8: str or None. Why its numbers cannot be quantised to int8. Defaults to None, they can.
        server_only: str or None. Why it cannot run on a device. Defaults to None, it can.
        when: callable `model -> bool`, or None. Whether a model has it. Defaults to None, always.
        **inputs: name of each argument -> a kind's name (a key of `KINDS`), or a callable
            `model -> kerazoo.base.inputs.Input`.

    Returns:
        The decorator.
    """

    def decorate(function):
        function.declaration = _declaration(function, outputs, name, int8, server_only, when, inputs)
        return function

    return decorate


def available(when):
    """Method decorator: a method that some models of a class have; of the others it is no attribute.

    Args:
        when: callable `model -> bool`. Whether a model has it.

    Returns:
        The decorator.
    """
    return functools.partial(_Available, when)


class _Available:
    """What `available` puts in the place of a method."""

    def __init__(self, when, function):
        self.when, self.function = when, function

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, model, owner=None):
        if model is None:
            return self.function
        if not self.when(model):
            raise AttributeError(f"this {type(model).__name__} has no {self.name!r}, another one may")
        return self.function.__get__(model, owner)


def verb(outputs, *, batch_size=256, int8=None, server_only=None, when=None, **inputs):
    """Method decorator: a function of tensors as a method on arrays, and as the exported signature of its name.

    The method checks what it is given, works on `batch_size` rows at a time, and returns arrays. Its docstring is the
    function's, with `Args:` and `Raises:` written for it; `Returns:` may be left out.

    Args:
        outputs: str, tuple of str, or None. As for `endpoint`.
        batch_size: int. Rows computed at a time, as the method's default. Defaults to 256.
        int8, server_only, when: as for `endpoint`; a model that does not have it has no such method, either.
        **inputs: name of each argument -> a kind's name (a key of `KINDS`).

    Returns:
        The decorator.

    Example:
        >>> model = kerazoo.load("dcgan")
        >>> model.discriminate(model.generate(3, seed=0)).shape
        (3,)
        >>> sorted(model.endpoints()["discriminate"].inputs)
        ['images']
    """

    def decorate(function):
        declaration = _declaration(function, outputs, None, int8, server_only, when, inputs)
        signature = _signature(inputs, batch_size)

        @functools.wraps(function)
        def method(self, *args, **kwargs):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            values = [bound.arguments[name] for name in inputs]
            if _in_formula(values):
                return _run(self, declaration, *values)
            pairs = zip(declaration.inputs.values(), values, strict=True)
            arrays = [kind.check(self, value) for kind, value in pairs]
            return self.calls.in_batches(declaration.of(self), *arrays, batch_size=bound.arguments["batch_size"])

        method.__signature__ = signature
        method.__doc__ = _docstring(function, declaration.inputs, batch_size)
        method.declaration = declaration
        del method.__wrapped__  # what a user calls is the method, and not the function of tensors
        return method if when is None else _Available(when, method)

    return decorate


def declarations(cls):
    """The declarations of a class and its parents, the parents' first: name of the signature -> Declaration."""
    found = {}
    for owner in reversed(cls.__mro__):
        for attribute in vars(owner):
            declared = getattr(getattr(cls, attribute, None), "declaration", None)
            if isinstance(declared, Declaration):
                found[declared.name] = declared
    return found


def _declaration(function, outputs, name, int8, server_only, when, inputs):
    resolved = {key: KINDS[kind] if isinstance(kind, str) else kind for key, kind in inputs.items()}
    options = {} if when is None else {"when": when}
    return Declaration(name or function.__name__.lstrip("_"), function, resolved, outputs, int8, server_only, **options)


def _signature(inputs, batch_size):
    parameter = inspect.Parameter
    given = [parameter(name, parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *inputs)]
    return inspect.Signature([*given, parameter("batch_size", parameter.KEYWORD_ONLY, default=batch_size)])


def _docstring(function, inputs, batch_size):
    """A verb's docstring: `Args:` behind the text, `Raises:` behind `Returns:`."""
    text = inspect.cleandoc(function.__doc__ or "")
    body, marker, rest = text.partition("\n\nReturns:")
    if not marker:
        ends = [text.index(mark) for mark in ("\n\nExample:", "\n\nSource:") if mark in text]
        end = min(ends, default=len(text))
        body, rest = text[:end], text[end:]
        returns = "\n\nReturns:\n    np.ndarray, or a dict of them. float32, a row for each one given.\n"
    else:
        ends = [rest.index(mark) for mark in ("\n\nExample:", "\n\nSource:") if mark in rest]
        end = min(ends, default=len(rest))
        returns, rest = marker + rest[:end] + "\n", rest[end:]
    arguments = [f"    {name}: {kind.about}." for name, kind in inputs.items()]
    arguments.append(f"    batch_size: int. Rows computed at a time. Defaults to {batch_size}.")
    raises = (
        "\nRaises:\n    DataError: a wrong shape or values out of range.\n    ConfigError: `batch_size` is below 1, or "
        "latents are not finite or of another shape."
    )
    return body + "\n\nArgs:\n" + "\n".join(arguments) + returns + raises + rest


__all__ = ["KINDS", "Declaration", "Kind", "available", "declarations", "endpoint", "verb"]
