"""The inside of a LiteRT file: its operators, the sizes that it plans, weights stored once, and metadata."""

import json

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from kerazoo.utils.litert import IDENTIFIER, METADATA

ALIGNMENT = 16  # of constants, as the schema requires; the generated Python code ignores it
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


class _Buffer(schema.BufferT):
    """A buffer whose data are aligned."""

    def Pack(self, builder):  # noqa: N802 (flatbuffers' name)
        data = None if self.data is None else bytes(self.data)
        if data is not None:
            builder.StartVector(1, len(data), ALIGNMENT)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _unpack(data):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    model.buffers = [_Buffer(buffer.data) for buffer in model.buffers]
    return model


def _pack(model):
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def operators(data):
    """The operators in a LiteRT file's bytes: two sorted lists of names, the built-in ones and the others."""
    found = {False: set(), True: set()}
    for code in _unpack(data).operatorCodes:
        found[code.customCode is not None].add(_operator_name(code))
    return sorted(found[False]), sorted(found[True])


def _operator_name(code):
    number = max(code.builtinCode, code.deprecatedBuiltinCode)  # two fields of one meaning; the unused one is smaller
    return _NAMES[number] if code.customCode is None else code.customCode.decode()


def sized_while_running(data):
    """The signatures with free input sizes that have tensors whose sizes are known only while they run.

    LiteRT's own kernels are right there, but its default delegate (XNNPACK, also on phones) sometimes gives wrong
    numbers without an error: measured in LiteRT 2.3 and TensorFlow 2.21, in 1 to 3% of the calls of transposed
    convolutions and of loops whose inputs were resized. Such signatures must have fixed sizes.
    """
    model, names = _unpack(data), []
    graphs, model.metadata, signatures, model.signatureDefs = model.subgraphs, [], model.signatureDefs, []
    for signature in signatures:
        graph = graphs[signature.subgraphIndex]
        bodies = _bodies(graph, graphs)
        model.subgraphs = [graph]
        # A graph with loops does not run without the loops' bodies: all of its sizes must be in the file.
        if any(map(_has_free_sizes, (graph, *bodies))) if bodies else _sizes_change(_pack(model), len(graph.tensors)):
            names.append(signature.signatureKey.decode())
    return names


def _bodies(graph, graphs):
    """The conditions and bodies of a graph's loops, and of loops in them."""
    options = [operator.builtinOptions for operator in graph.operators]
    loops = [one for one in options if hasattr(one, "bodySubgraphIndex")]
    own = [graphs[index] for one in loops for index in (one.condSubgraphIndex, one.bodySubgraphIndex)]
    return own + [inner for body in own for inner in _bodies(body, graphs)]


def _has_free_sizes(graph):
    return any(tensor.shapeSignature is not None and -1 in tensor.shapeSignature for tensor in graph.tensors)


def _sizes_change(data, num_tensors):
    """Whether a run of a file with one graph changes the sizes that it has planned for its tensors."""

    def sizes():  # without the kernels' temporary tensors, which follow the graph's own
        return [tuple(one["shape"]) for one in interpreter.get_tensor_details() if one["index"] < num_tensors]

    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=kernels)
    for one in interpreter.get_input_details():
        interpreter.resize_tensor_input(one["index"], np.where(one["shape_signature"] < 0, 3, one["shape_signature"]))
    interpreter.allocate_tensors()
    planned = sizes()
    for one in interpreter.get_input_details():
        interpreter.set_tensor(one["index"], np.zeros(one["shape"], one["dtype"]))
    interpreter.invoke()
    return sizes() != planned


def finish_file(data, metadata):
    """A converter's bytes with metadata and with equal constants stored once, since signatures share weights.

    Args:
        data: bytes. From the converter.
        metadata: dict. JSON must be able to hold it.

    Returns:
        bytes. The file, whose entry of metadata `kerazoo` is that JSON.
    """
    model = _unpack(data)
    buffers, places, first = [], [], {}
    for buffer in model.buffers:
        # Computed tensors have buffers without data, which stay separate.
        content = None if buffer.data is None else bytes(buffer.data)
        place = first.get(content, len(buffers)) if content else len(buffers)
        if place == len(buffers):
            buffers.append(buffer)
            first[content] = place
        places.append(place)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = places[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = places[entry.buffer]
    model.metadata = [*(model.metadata or []), schema.MetadataT(METADATA.encode(), len(buffers))]
    model.buffers = [*buffers, _Buffer(json.dumps(metadata).encode())]
    return _pack(model)
