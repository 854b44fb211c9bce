"""The gRPC calls beside Predict: metadata and status of models, and those that are not served."""

import grpc
import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from kerazoo.serving import Server
from tests.serving_models import refused, saved_models


@pytest.fixture(scope="module")
def channel():
    with (
        Server(saved_models(), rest_port=None, grpc_port=0) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        yield channel


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


class TestMethodsThatAreNotServed:
    @pytest.mark.parametrize("name", ["Classify", "Regress", "MultiInference"])
    def test_unimplemented(self, prediction, name):
        kinds = {"Classify": classification_pb2.ClassificationRequest, "Regress": regression_pb2.RegressionRequest}
        request = kinds.get(name, inference_pb2.MultiInferenceRequest)()
        refused(getattr(prediction, name), request, grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


class TestStatusAndMetadata:
    def test_metadata(self, prediction):
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        refused(prediction.GetModelMetadata, request, grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")
        request.model_spec.name = "dense"
        message = "GetModelMetadataRequest must specify at least one metadata_field"
        refused(prediction.GetModelMetadata, request, grpc.StatusCode.INVALID_ARGUMENT, message)
        request.metadata_field.append("signature_def")
        response = prediction.GetModelMetadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        assert signatures.signature_def["serving_default"].inputs["x"].name == "serving_default_x:0"
        assert response.model_spec.version.value == 1
        request.metadata_field.append("graph")
        message = "Metadata field graph is not supported"
        refused(prediction.GetModelMetadata, request, grpc.StatusCode.INVALID_ARGUMENT, message)

    def test_status(self, models):
        request = get_model_status_pb2.GetModelStatusRequest()
        refused(models.GetModelStatus, request, grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")
        request.model_spec.name = "dense"
        (status,) = models.GetModelStatus(request).model_version_status
        assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
        request.model_spec.version.value = 5
        refused(models.GetModelStatus, request, grpc.StatusCode.NOT_FOUND, "Could not find version 5 of model dense")

    def test_reload_config(self, models):
        request = model_management_pb2.ReloadConfigRequest()
        message = "HandleReloadConfigRequest is not supported: the models are the folders of"
        refused(models.HandleReloadConfigRequest, request, grpc.StatusCode.UNIMPLEMENTED, message)
