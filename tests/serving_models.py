"""Tiny SavedModels whose answers are known without running them, and a folder of them to serve."""

import atexit
import functools
import gc
import json
import shutil
import tempfile
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8  # exact in binary


def _spec(shape, dtype, name):
    return tf.TensorSpec(shape, dtype, name=name)


class Dense(tf.Module):
    """`serving_default`: y = (x @ WEIGHTS) * scale."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.weights = tf.Variable(WEIGHTS)
        self.scale = tf.Variable(scale)
        self.runs = tf.Variable(0)  # how often the graph has run

    @tf.function(input_signature=[_spec([None, 4], tf.float32, "x")])
    def dense(self, x):
        return {"y": (x @ self.weights) * self.scale}

    @tf.function(input_signature=[_spec([None], tf.float32, "x")])
    def counted(self, x):
        """The number of its runs so far, for each row: rows of one batch agree."""
        return {"run": tf.fill(tf.shape(x), self.runs.assign_add(1))}

    def signatures(self):
        return {"serving_default": self.dense, "counted": self.counted}


class Mixed(tf.Module):
    """Many signatures: several inputs and outputs, text, tokens, a seed, what fails, what is slow."""

    @tf.function(input_signature=[_spec([None, 2], tf.float32, "a"), _spec([None], tf.int32, "b")])
    def pair(self, a, b):
        return {"sum": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32), "twice": 2 * b}

    @tf.function(input_signature=[_spec([None], tf.string, "text")])
    def shout(self, text):
        return {"upper": tf.strings.upper(text), "raw_bytes": text}

    @tf.function(input_signature=[_spec([None], tf.string, "text")])
    def echo(self, text):
        return {"text": text}

    @tf.function(input_signature=[_spec([None, None], tf.int32, "tokens")])
    def embed(self, tokens):
        return {"value": tf.reduce_sum(tf.gather(tf.range(10.0), tokens), 1)}

    @tf.function(input_signature=[_spec([None], tf.string, "text")])
    def split(self, text):
        """As wide as the longest text of the batch."""
        return {"letters": tf.strings.bytes_split(text).to_tensor("-")}

    @tf.function(input_signature=[_spec([2], tf.int32, "seed"), _spec([], tf.int32, "num_samples")])
    def sample(self, seed, num_samples):
        return {"samples": tf.random.stateless_normal([num_samples, 3], seed)}

    @tf.function(input_signature=[_spec([None, 100_000], tf.float32, "x")])
    def wide(self, x):
        return {"y": x}

    @tf.function(input_signature=[_spec([None], tf.float32, "x")])
    def identity(self, x):
        return {"y": x}

    @tf.function(input_signature=[_spec([None], tf.float64, "x")])
    def identity64(self, x):
        return {"y": x}

    @tf.function(input_signature=[_spec([None], tf.bool, "x")])
    def negate(self, x):
        return {"y": tf.logical_not(x)}

    @tf.function(input_signature=[_spec([None], tf.uint8, "x")])
    def pixels(self, x):
        return {"y": tf.cast(x, tf.int64) + 1, "half": tf.cast(x, tf.float16) / 2}

    @tf.function(input_signature=[_spec([None], tf.float32, "x")])
    def total(self, x):
        return {"total": tf.reduce_sum(x)}

    @tf.function(input_signature=[_spec([None], tf.float32, "seconds")])
    def slow(self, seconds):
        """Runs as long as the largest row asks for."""
        steps = tf.cast(tf.reduce_max(seconds) * 1000, tf.int32)
        value = tf.while_loop(
            lambda step, value: step < steps,
            lambda step, value: (step + 1, tf.tensordot(value, value, 1) / 256.0),
            (0, tf.ones([256, 256])),
            parallel_iterations=1,
        )[1]
        return {"done": seconds + 0 * value[0, 0]}

    def signatures(self):
        own = (self.pair, self.shout, self.echo, self.embed, self.sample, self.identity, self.identity64)
        own += (self.split, self.negate, self.pixels, self.total, self.slow, self.wide)
        return {"serving_default": self.pair, **{function.__name__: function for function in own}}


def save_dense(folder, scale=1.0, *, warmup=None):
    """Write a `Dense`; `warmup` is the x of a warm-up request. Whole or not at all, as exports are written."""
    folder = Path(folder)
    temporary = folder.parent / f".{folder.name}-writing"
    module = Dense(scale)
    tf.saved_model.save(module, str(temporary), signatures=module.signatures())
    (temporary / "metadata.json").write_text(json.dumps({"preset": "dense", "version": int(folder.name)}))
    if warmup is not None:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "dense"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(warmup))
        log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
        (temporary / "assets.extra").mkdir()
        with tf.io.TFRecordWriter(str(temporary / "assets.extra" / "tf_serving_warmup_requests")) as writer:
            writer.write(log.SerializeToString())
    temporary.rename(folder)
    return folder


def save_mixed(folder):
    """Write a `Mixed`."""
    module = Mixed()
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
    return folder


def make_models(folder):
    """`dense/1` (with a warm-up request), `mixed/3`."""
    for name in ("dense", "mixed"):
        (folder / name).mkdir(parents=True)
    save_dense(folder / "dense" / "1", warmup=np.ones((2, 4), np.float32))
    save_mixed(folder / "mixed" / "3")
    return folder


@functools.cache
def saved_models():
    """A folder with all of them, written once a process; tests that change it work on a copy."""
    folder = Path(tempfile.mkdtemp(prefix="kerazoo-served-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_models(folder)
    gc.collect()
    gc.freeze()  # as `serve` does: unloading a model then takes milliseconds
    return folder


def copy_version(source, target):
    """Copy a version under a temporary name, then rename it, as a careful deployment does."""
    temporary = Path(target).parent / ".copying"
    shutil.copytree(source, temporary)
    temporary.rename(target)


def request_of(model, inputs, *, kind=predict_pb2.PredictRequest, **spec):
    """A gRPC request; `spec` are fields of its `model_spec`."""
    request = kind()
    request.model_spec.name = model
    if version := spec.pop("version", None):
        request.model_spec.version.value = version
    for name, value in spec.items():
        setattr(request.model_spec, name, value)
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def refused(call, request, code, message, **options):
    """Check that a call fails with this status."""
    with pytest.raises(grpc.RpcError) as error:
        call(request, **options)
    assert error.value.code() is code
    assert message in error.value.details()


def until(condition, seconds=20):
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def runs(server, model, signature):
    """The number of runs of a signature that have begun."""
    line = f'kerazoo_batch_rows_count{{model="{model}",signature="{signature}"}} '
    return float(server.metrics.page().decode().partition(line)[2].partition("\n")[0] or 0)


def predict(client, model, document):
    """The answer to a request over REST, which must succeed."""
    response = client.post(f"/v1/models/{model}:predict", json=document)
    assert response.status_code == 200, response.text
    return response.json()
