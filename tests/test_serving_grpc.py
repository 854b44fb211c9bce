"""TensorFlow Serving's gRPC contract, through the stubs that its clients use."""

import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from kerazoo.serving import Server
from kerazoo.serving.tensors import _FIELDS, from_proto, to_proto
from tests.serving_models import WEIGHTS, refused, request_of, runs, saved_models, until

X = np.array([[1, 2, 3, 4], [0.5, 0, 0, 0]], np.float32)
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module")
def server():
    with Server(
        saved_models(), rest_port=None, grpc_port=0, labels={"dense": {"stable": 1}}, max_queued=4, max_request_mb=32
    ) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=OPTIONS) as channel:
        yield channel


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def slow(seconds):
    return request_of("mixed", {"seconds": np.full(64, seconds, np.float32)}, signature_name="slow")


class TestPredict:
    @pytest.mark.parametrize("spec", [{}, {"version": 1}, {"version_label": "stable"}])
    def test_answer_and_effective_spec(self, prediction, spec):
        response = prediction.Predict(request_of("dense", {"x": X}, **spec))
        assert np.array_equal(tf.make_ndarray(response.outputs["y"]), X @ WEIGHTS)
        assert response.outputs["y"].float_val[:3] == (X @ WEIGHTS)[0].tolist()  # the field that clients read
        assert not response.outputs["y"].tensor_content
        assert response.model_spec.name == "dense"
        assert response.model_spec.version.value == 1
        assert response.model_spec.signature_name == "serving_default"

    def test_output_filter(self, prediction):
        request = request_of("mixed", {"a": [[1.0, 2.0]], "b": [3]})
        assert set(prediction.Predict(request).outputs) == {"sum", "twice"}
        request.output_filter.append("twice")
        response = prediction.Predict(request)
        assert list(response.outputs) == ["twice"]
        assert tf.make_ndarray(response.outputs["twice"]).tolist() == [6]
        request.output_filter.append("twice")
        refused(prediction.Predict, request, grpc.StatusCode.INVALID_ARGUMENT, "duplicate output tensor alias: twice")
        request.output_filter[:] = ["no"]
        message = "output tensor alias not found in signature: no Outputs expected to be in the set {sum,twice}."
        refused(prediction.Predict, request, grpc.StatusCode.INVALID_ARGUMENT, message)

    def test_text_and_scalars(self, prediction):
        response = prediction.Predict(request_of("mixed", {"text": [b"a\xff", b""]}, signature_name="echo"))
        assert list(response.outputs["text"].string_val) == [b"a\xff", b""]
        seed = {"seed": np.array([1, 2], np.int32), "num_samples": np.int32(4)}
        response = prediction.Predict(request_of("mixed", seed, signature_name="sample"))
        samples = tf.make_ndarray(response.outputs["samples"])
        assert np.array_equal(samples, tf.random.stateless_normal([4, 3], [1, 2]))

    def test_values_in_typed_fields(self, prediction):
        request = request_of("dense", {})
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(X))
        request.inputs["x"].ClearField("tensor_content")
        request.inputs["x"].float_val.extend(X.reshape(-1))
        assert np.array_equal(tf.make_ndarray(prediction.Predict(request).outputs["y"]), X @ WEIGHTS)

    @pytest.mark.parametrize(
        ("request_", "code", "message"),
        [
            (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
            (request_of("", {}, signature_name="x"), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
            (request_of("no", {}), "NOT_FOUND", "Servable not found for request: Latest(no)"),
            (request_of("dense", {}, version=2), "NOT_FOUND", "Servable not found for request: Specific(dense, 2)"),
            (request_of("dense", {}, version_label="no"), "INVALID_ARGUMENT",
             "Unrecognized servable version label: no"),
            (request_of("dense", {"x": X}, signature_name="no"), "FAILED_PRECONDITION",
             'Serving signature key "no" not found.'),
            (request_of("dense", {}), "INVALID_ARGUMENT",
             "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
             "Missing but required: {x}."),
            (request_of("dense", {"x": X, "z": X}), "INVALID_ARGUMENT", "Sent extra: {z}. Missing but required: {}."),
            (request_of("dense", {"z": X}), "INVALID_ARGUMENT", "Sent extra: {z}. Missing but required: {x}."),
            (request_of("dense", {"x": X[:, :3]}), "INVALID_ARGUMENT", "input x: shape [2,3] does not fit [-1,4]"),
            (request_of("dense", {"x": X.astype(int)}), "INVALID_ARGUMENT",
             "Expects arg[0] to be float but int64 is provided"),
            (request_of("dense", {"x": [["a"] * 4]}), "INVALID_ARGUMENT",
             "Expects arg[0] to be float but string is provided"),
            (request_of("mixed", {"tokens": [[50]]}, signature_name="embed"), "INVALID_ARGUMENT",
             "indices[0,0] = 50 is not in [0, 10)"),
        ],
    )  # fmt: skip
    def test_refused(self, prediction, request_, code, message):
        refused(prediction.Predict, request_, grpc.StatusCode[code], message)

    def test_no_tensor(self, prediction):
        request = request_of("dense", {"x": X})
        request.inputs["x"].tensor_content = b"123"
        refused(prediction.Predict, request, grpc.StatusCode.INVALID_ARGUMENT, "tensor parsing error: x")

    def test_messages_of_28_megabytes_both_ways(self, prediction):
        x = np.random.default_rng(0).random((70, 100_000), np.float32)  # in two runs
        response = prediction.Predict(request_of("mixed", {"x": x}, signature_name="wide"))
        assert np.array_equal(tf.make_ndarray(response.outputs["y"]), x)


class TestDeadlines:
    def occupied(self, prediction, server, seconds):
        """A call that runs, so that all that follows waits; and the queue."""
        before = runs(server, "mixed", "slow")
        call = prediction.Predict.future(slow(seconds))
        until(lambda: runs(server, "mixed", "slow") > before)
        return call, server.repository.status("mixed")[0].servable.batcher

    def test_an_expired_request_is_not_run(self, prediction, server):
        running, batcher = self.occupied(prediction, server, 0.6)
        before = runs(server, "mixed", "slow")
        refused(prediction.Predict, slow(5.0), grpc.StatusCode.DEADLINE_EXCEEDED, "", timeout=0.1)
        assert running.result()
        until(lambda: batcher.waiting == 0)
        assert prediction.Predict(slow(0))
        assert runs(server, "mixed", "slow") == before + 1

    def test_a_full_queue_and_a_cancelled_call(self, prediction, server):
        running, batcher = self.occupied(prediction, server, 1.0)
        calls = [prediction.Predict.future(slow(0.1)) for _ in range(4)]
        until(lambda: batcher.waiting == 4)
        message = "The batch scheduling queue to which this task was submitted is full"
        refused(prediction.Predict, slow(0), grpc.StatusCode.UNAVAILABLE, message)
        for call in calls:
            call.cancel()
        until(lambda: batcher.waiting == 0)
        assert not running.done()
        assert running.result()


class TestStopping:
    def test_running_calls_finish_and_new_ones_are_refused(self):
        server = Server(saved_models(), rest_port=None, grpc_port=0).start()
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            running = prediction.Predict.future(slow(0.6))
            time.sleep(0.2)
            thread = threading.Thread(target=server.stop)
            thread.start()
            time.sleep(0.1)
            with pytest.raises(grpc.RpcError) as error:
                prediction.Predict(request_of("dense", {"x": X}))
            assert error.value.code() is grpc.StatusCode.UNAVAILABLE
            assert running.result()
            thread.join()


@pytest.mark.parametrize("dtype", [dtype for dtype in _FIELDS if dtype != tf.string], ids=lambda dtype: dtype.name)
def test_every_type_goes_through_a_message(dtype):
    array = np.array([[0, 1, 3], [100, 0, 1]]).astype(dtype.as_numpy_dtype)
    proto = to_proto("x", array)
    assert not proto.tensor_content
    read = from_proto("x", proto)
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
