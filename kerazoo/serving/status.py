"""Status and metadata of the models for both protocols: states of their versions, and their signatures."""

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from kerazoo.serving.errors import invalid
from kerazoo.serving.predict import fill_spec

SIGNATURE_DEF = "signature_def"  # the only field of metadata that TensorFlow Serving has


def model_status(repository, name, version=None, label=None):
    """The `GetModelStatusResponse` of a model, or of one version of it.

    Raises:
        RequestError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    for found in repository.status(name, version, label):
        entry = response.model_version_status.add(version=found.number, state=found.state)
        entry.status.error_code, entry.status.error_message = found.code.number, found.message
    return response


def signature_map(served):
    """The `SignatureDefMap` of a loaded version."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in served.servable.signature_defs.items():
        signatures.signature_def[name].CopyFrom(definition)
    return signatures


def model_metadata(served, fields=(SIGNATURE_DEF,)):
    """The `GetModelMetadataResponse` of a loaded version.

    Raises:
        RequestError: INVALID_ARGUMENT; no field is asked for, or an unknown one.
    """
    check_fields(fields)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    fill_spec(response.model_spec, served.model, served.number)
    response.metadata[SIGNATURE_DEF].Pack(signature_map(served))
    return response


def check_fields(fields):
    """Check the `metadata_field`s of a request."""
    if not fields:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for name in fields:
        if name != SIGNATURE_DEF:
            raise invalid(f"Metadata field {name} is not supported")


def list_models(repository):
    """All models, for `GET /v1/models`, which TensorFlow Serving does not have.

    Returns:
        dict. `{"models": [{"name", "labels", "versions": [{"version", "state", "error", "metadata"}]}]}`; `metadata` is
        the content of the version's `metadata.json`, None where it has none or is not loaded.
    """
    return {"models": [_model(repository, name) for name in sorted(repository.models)]}


def _model(repository, name):
    versions = []
    for found in repository.status(name):
        servable = found.servable
        metadata = servable.metadata if servable else None
        entry = {"version": str(found.number), "state": found.state, "error": found.message, "metadata": metadata}
        versions.append(entry)
    return {"name": name, "labels": repository.labels_of(name), "versions": versions}
