"""Requests that TensorFlow Serving runs when it loads a version, so that the first client does not wait for tracing."""

from pathlib import Path

import numpy as np
import tensorflow as tf

WARMUP = Path("assets.extra", "tf_serving_warmup_requests")


def write_warmup(endpoints, folder, *, model_name):
    """Write one Predict request per signature as a TFRecord of PredictionLog.

    Args:
        endpoints: dict[str, Endpoint].
        folder: Path. Of the SavedModel.
        model_name: str. The name that the model will be served by.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = Path(folder) / WARMUP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, endpoint in endpoints.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = name
            for key, value in endpoint.example(np.random.default_rng(0), 1).items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value, endpoint.inputs[key].dtype))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
