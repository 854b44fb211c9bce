"""One loaded version of a model: its signatures, its warm-up, its runs."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import cancellation
from tensorflow_serving.apis import prediction_log_pb2

from kerazoo.serving import predict
from kerazoo.serving.batching import Batcher
from kerazoo.serving.errors import Code, RequestError, from_exception, invalid
from kerazoo.serving.limits import Limits
from kerazoo.serving.signatures import Signature
from kerazoo.serving.tensors import describe, from_proto, spec_of

METADATA = "metadata.json"
WARMUP = Path("assets.extra") / "tf_serving_warmup_requests"
PREDICT_LOG = "predict_log"  # the kind of warm-up request that is run
MAX_WARMUP_RECORDS = 1000  # TensorFlow Serving's limit


class Servable:
    """A SavedModel in memory.

    Args:
        folder: str or Path. With `saved_model.pb`.
        limits: Limits. Limits of a request. Defaults to those of `Limits`.
        batching: dict. Arguments of `Batcher`.

    Attributes:
        signatures: dict of str to Signature.
        signature_defs: dict of str to `SignatureDef`, as stored.
        metadata: dict or None. The content of `metadata.json`.

    Raises:
        RequestError: the folder holds no SavedModel or a damaged one, or its warm-up requests fail.
    """

    def __init__(self, folder, *, limits=None, **batching):
        self.folder, self.limits = Path(folder), limits or Limits()
        try:
            self.signature_defs = _signature_defs(self.folder)
            self.metadata = _metadata(self.folder)
            self._module = tf.saved_model.load(str(self.folder))  # kept, since its functions hold its variables weakly
            self._functions = dict(self._module.signatures)
            self.signatures = {name: _signature(name, self.signature_defs[name]) for name in self._functions}
            bounds = {"max_length": self.limits.length, "max_bytes": self.limits.bytes}
            self.batcher = Batcher(self.run, **bounds, **batching)
            self._warm_up()
        except Exception as error:
            self.close()
            raise from_exception(error) from error

    def run(self, signature, arrays, stop=None):
        """Run a signature at once on checked arrays.

        Args:
            signature: Signature.
            arrays: dict of str to numpy.ndarray.
            stop: Stop or None. Ends the graph's loops when nobody waits for the answer any more. Defaults to None.

        Returns:
            dict of str to numpy.ndarray.

        Raises:
            tf.errors.OpError: the graph met an error.
        """
        tensors = {
            name: tf.constant(array, tf.as_dtype(self.signature_defs[signature.name].inputs[name].dtype))
            for name, array in arrays.items()
        }
        cancelling = cancellation.CancellationManager()
        if stop is not None:
            stop.then(cancelling.start_cancel)
        with cancellation.CancellationManagerContext(cancelling):
            outputs = self._functions[signature.name](**tensors)
        return {name: _array(outputs[name]) for name in signature.outputs}

    def check(self, signature, given):
        """Check a description of a request, name -> (dtype, shape), before anything is made of it.

        Raises:
            RequestError: INVALID_ARGUMENT; it does not fit the signature, or is larger than the limits.
        """
        signature.check(given)
        self.limits.check(signature, given)

    def submit(self, signature, arrays, deadline=None):
        """Check the arrays of a request and queue it.

        Returns:
            concurrent.futures.Future of a dict of str to numpy.ndarray.

        Raises:
            RequestError: the request does not fit the signature, or the queue is full.
        """
        self.check(signature, {name: describe(array) for name, array in arrays.items()})
        self.limits.check_texts(signature, arrays)
        return self.batcher.submit(signature, {**signature.defaults, **arrays}, deadline)

    def close(self):
        """Answer the waiting requests, then drop the model; the next garbage collection frees its memory."""
        if batcher := getattr(self, "batcher", None):
            batcher.close()
        self._module, self._functions = None, {}

    def _warm_up(self):
        path = self.folder / WARMUP
        if not path.is_file():
            return
        for number, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
            if number >= MAX_WARMUP_RECORDS:
                raise invalid(f"Number of warmup records exceeds the maximum ({MAX_WARMUP_RECORDS}) at {path}")
            try:
                log = prediction_log_pb2.PredictionLog.FromString(record)
            except DecodeError:
                raise invalid(f"Failed to parse warmup record {number} from {path}") from None
            kind = log.WhichOneof("log_type")
            if kind != PREDICT_LOG:
                raise RequestError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind} in {path}")
            predict.begin(self, log.predict_log.request)[1].result()


def _signature_defs(folder):
    path = folder / "saved_model.pb"
    if not path.is_file():
        raise RequestError(Code.NOT_FOUND, f"Could not find SavedModel .pb at supplied export directory path: {folder}")
    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except DecodeError:
        raise RequestError(Code.DATA_LOSS, f"{path}: damaged; export the model again") from None
    serving = [graph for graph in saved_model.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not serving:
        raise RequestError(Code.NOT_FOUND, f"{path}: has no graph with the tag 'serve'")
    return dict(serving[0].signature_def)


def _metadata(folder):
    path = folder / METADATA
    if not path.is_file():
        return None
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(metadata, dict):
            raise ValueError(f"a JSON object is expected, not {type(metadata).__name__}")
        return metadata
    except (ValueError, RecursionError) as error:
        raise RequestError(Code.DATA_LOSS, f"{path}: damaged ({error}); export the model again") from None


def _signature(name, definition):
    return Signature(
        name,
        {alias: spec_of(info) for alias, info in definition.inputs.items()},
        {alias: spec_of(info) for alias, info in definition.outputs.items()},
        {alias: from_proto(alias, proto) for alias, proto in definition.defaults.items()},
    )


def _array(tensor):
    value = tensor.numpy()
    return value if isinstance(value, np.ndarray) else np.array(value, object if tensor.dtype == tf.string else None)
