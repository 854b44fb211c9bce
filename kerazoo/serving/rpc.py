"""TensorFlow Serving's gRPC services, PredictionService and ModelService."""

import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from kerazoo.serving import predict, status
from kerazoo.serving.errors import Code, RequestError, from_exception, invalid
from kerazoo.serving.patience import Patience

MESSAGE_SECONDS = 10.0  # from a call's beginning to the end of its message


def add_services(server, repository, metrics, limits):
    """Register the served methods of both services with a `grpc.Server`; gRPC answers UNIMPLEMENTED to others.

    Args:
        server: grpc.Server.
        repository: Repository.
        metrics: Metrics.
        limits: Limits. Limits of a request.

    Returns:
        callable. Ends the calls that wait for messages.
    """
    patience = Patience(MESSAGE_SECONDS)
    prediction, model = _Prediction(repository, metrics, limits), _Model(repository, metrics, limits)
    methods = {
        "PredictionService": {
            "Predict": (prediction.predict, predict_pb2.PredictRequest),
            "GetModelMetadata": (prediction.metadata, get_model_metadata_pb2.GetModelMetadataRequest),
        },
        "ModelService": {
            "GetModelStatus": (model.status, get_model_status_pb2.GetModelStatusRequest),
            "HandleReloadConfigRequest": (model.reload, model_management_pb2.ReloadConfigRequest),
        },
    }
    for service, functions in methods.items():
        handlers = {name: _handler(*method, patience) for name, method in functions.items()}
        generic = grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", handlers)
        server.add_generic_rpc_handlers((generic,))
    return patience.close


def _handler(function, request_type, patience):
    """A method of one message each way, which ends if the message takes too long: else it would hold a thread."""

    def answer(messages, context):
        with patience.of(context.cancel):
            request = next(messages, None)
        if request is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        return function(request, context)

    # On the wire a stream of one message is one message.
    return grpc.stream_unary_rpc_method_handler(answer, request_type.FromString, _serialize)


def _serialize(response):
    return response.SerializeToString()


class _Service:
    def __init__(self, repository, metrics, limits):
        self.repository, self.metrics, self.limits = repository, metrics, limits

    def answer(self, method, spec, context, work):
        """Run `work()`; an error becomes the status of the call."""
        since, code = time.monotonic(), Code.OK
        try:
            return work()
        except Exception as error:
            error = from_exception(error)
            code = error.code
            self.metrics.count(spec.name, method, "GRPC", code, since)
            context.abort(grpc.StatusCode[code.name], str(error))  # raises
        finally:
            if code is Code.OK:
                self.metrics.count(spec.name, method, "GRPC", code, since)

    def use(self, spec):
        """Borrow the version that a `ModelSpec` asks for."""
        number = spec.version.value if spec.HasField("version") else None
        return self.repository.use(spec.name, number, spec.version_label)


class _Prediction(_Service):
    def predict(self, request, context):
        deadline = _deadline(context, self.limits.seconds)

        def work():
            _check_spec(request)
            with self.use(request.model_spec) as served:
                signature, future = predict.begin(served.servable, request, deadline)
                response = predict.finish(request, _wait(future, context, deadline))
                predict.fill_spec(response.model_spec, served.model, served.number, signature.name)
                return response

        return self.answer("predict", request.model_spec, context, work)

    def metadata(self, request, context):
        def work():
            _check_spec(request)
            status.check_fields(request.metadata_field)
            with self.use(request.model_spec) as served:
                return status.model_metadata(served)

        return self.answer("metadata", request.model_spec, context, work)


class _Model(_Service):
    def status(self, request, context):
        def work():
            _check_spec(request)
            spec = request.model_spec
            number = spec.version.value if spec.HasField("version") else None
            label = spec.version_label if spec.HasField("version_label") else None
            return status.model_status(self.repository, spec.name, number, label)

        return self.answer("status", request.model_spec, context, work)

    def reload(self, request, context):
        message = (
            f"HandleReloadConfigRequest is not supported: the models are the folders of {self.repository.folder}, "
            "which is read again and again"
        )
        context.abort(grpc.StatusCode.UNIMPLEMENTED, message)


def _check_spec(request):
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")


def _deadline(context, seconds):
    """The time after which nobody waits: the client's deadline or the server's, whichever comes first."""
    remaining = context.time_remaining()  # without a deadline from the client, a time in the far future, or None
    return time.monotonic() + (seconds if remaining is None else min(seconds, remaining))


def _wait(future, context, deadline):
    """The result of a queued request; if its client is gone, its place in the queue is given up."""
    if not context.add_callback(future.cancel):  # the call has ended already
        future.cancel()
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        future.cancel()
        raise RequestError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded") from None
    except CancelledError:
        raise RequestError(Code.CANCELLED, "the client has cancelled the call") from None
