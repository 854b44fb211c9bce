"""The call of TensorFlow Serving's PredictionService that runs a model, on one loaded version."""

from tensorflow_serving.apis import predict_pb2

from kerazoo.serving.signatures import find_signature
from kerazoo.serving.tensors import describe_proto, from_proto, to_proto


def begin(servable, request, deadline=None):
    """Check and queue a `PredictRequest`.

    Args:
        servable: Servable.
        request: PredictRequest.
        deadline: float or None. As in `Batcher.submit`. Defaults to None.

    Returns:
        (Signature, concurrent.futures.Future of a dict of str to numpy.ndarray).

    Raises:
        RequestError: the request does not fit the signature, or the queue is full.
    """
    signature = find_signature(servable.signatures, request.model_spec.signature_name)
    signature.select(request.output_filter)
    servable.check(signature, {name: describe_proto(name, proto) for name, proto in request.inputs.items()})
    arrays = {name: from_proto(name, proto) for name, proto in request.inputs.items()}
    return signature, servable.submit(signature, arrays, deadline)


def finish(request, outputs):
    """The `PredictResponse` of the outputs, without its `model_spec`."""
    response = predict_pb2.PredictResponse()
    for name in request.output_filter or outputs:
        response.outputs[name].CopyFrom(to_proto(name, outputs[name]))
    return response


def fill_spec(spec, name, version, signature=None):
    """Write which model, version and signature answered into a response's `model_spec`."""
    spec.name = name
    spec.version.value = version
    if signature is not None:
        spec.signature_name = signature
