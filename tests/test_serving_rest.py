"""TensorFlow Serving's REST contract, over real connections: paths, codes, bodies."""

import gzip
import json
import threading
import time

import httpx
import numpy as np
import pytest

from kerazoo.serving import Server, serve
from tests.serving_models import WEIGHTS, predict, saved_models

ONE = {"instances": [[1, 2, 3, 4]]}


@pytest.fixture(scope="module")
def server():
    labels = {"dense": {"stable": 1, "ghost": 9}}
    with Server(saved_models(), rest_port=0, grpc_port=None, labels=labels) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=60) as client:
        yield client


def mixed(client, signature, **document):
    return predict(client, "mixed", {"signature_name": signature, **document})


class TestPredict:
    def test_rows_and_columns(self, client):
        x = [[1, 2, 3, 4], [0.5, 0, 0, 0]]
        expected = (np.array(x, np.float32) @ WEIGHTS).tolist()
        assert predict(client, "dense", {"instances": x}) == {"predictions": expected}
        assert predict(client, "dense", {"instances": [{"x": row} for row in x]}) == {"predictions": expected}
        assert predict(client, "dense", {"inputs": x}) == {"outputs": expected}
        assert predict(client, "dense", {"inputs": {"x": x}}) == {"outputs": expected}

    def test_the_documents_own_layout(self, client):
        response = client.post("/v1/models/mixed:predict", json={"signature_name": "identity", "instances": [1.0, 5.0]})
        assert response.headers["content-type"] == "application/json"
        assert response.text == '{\n    "predictions": [1.0, 5.0]\n}'

    def test_several_inputs_and_outputs(self, client):
        rows = [{"a": [1, 2], "b": 3}, {"a": [0, 0.5], "b": -1}]
        assert predict(client, "mixed", {"instances": rows}) == {
            "predictions": [{"sum": 6.0, "twice": 6}, {"sum": -0.5, "twice": -2}]
        }
        columns = {"a": [[1, 2], [0, 0.5]], "b": [3, -1]}
        assert predict(client, "mixed", {"inputs": columns}) == {"outputs": {"sum": [6.0, -0.5], "twice": [6, -2]}}

    def test_text_bytes_and_what_is_no_text(self, client):
        assert mixed(client, "shout", instances=["abc", {"b64": "/w=="}]) == {
            "predictions": [
                {"upper": "ABC", "raw_bytes": {"b64": "YWJj"}},
                {"upper": {"b64": "/w=="}, "raw_bytes": {"b64": "/w=="}},
            ]
        }
        assert mixed(client, "echo", inputs=["größer \u0001", ""]) == {"outputs": ["größer \u0001", ""]}

    @pytest.mark.parametrize(
        ("signature", "body", "answer"),
        [
            ("identity", b"[NaN, Infinity, -Infinity, 0.2]", "[NaN, Infinity, -Infinity, 0.2]"),
            ("identity64", b"[0.1, 1e300]", "[0.1, 1e+300]"),
            ("negate", b"[true, false]", "[false, true]"),
            ("pixels", b"[0, 255]", '{"half": [0.0, 127.5], "y": [1, 256]}'),
            ("total", b"[1, 2]", "3.0"),
        ],
    )
    def test_types(self, client, signature, body, answer):
        body = b'{"signature_name": "%s", "inputs": %s}' % (signature.encode(), body)
        response = client.post("/v1/models/mixed:predict", content=body)
        assert response.text == f'{{\n    "outputs": {answer}\n}}'

    def test_a_seed_gives_the_same_samples(self, client):
        inputs = {"seed": [1, 2], "num_samples": 5}
        samples = mixed(client, "sample", inputs=inputs)["outputs"]
        assert np.shape(samples) == (5, 3)
        assert mixed(client, "sample", inputs=inputs)["outputs"] == samples
        assert mixed(client, "sample", inputs={**inputs, "seed": [1, 3]})["outputs"] != samples

    def test_version_label_and_escaped_name(self, client):
        expected = predict(client, "dense", ONE)
        for path in (
            "dense/versions/1",
            "dense/labels/stable",
            "d%65nse",
            "dense/versions/0001",
            f"dense/versions/{'0' * 5000}1",
        ):
            assert client.post(f"/v1/models/{path}:predict", json=ONE).json() == expected
        assert client.post("/V1/MODELS/dense:predict?a=b", json=ONE).json() == expected

    def test_a_body_in_chunks_and_without_content_type(self, client):
        pieces = (bytes([byte]) for byte in json.dumps(ONE).encode())
        assert client.post("/v1/models/dense:predict", content=pieces).status_code == 200

    def test_a_compressed_body(self, client):
        body, headers = gzip.compress(json.dumps(ONE).encode()), {"Content-Encoding": "gzip"}
        assert client.post("/v1/models/dense:predict", content=body, headers=headers).status_code == 200
        assert client.post("/v1/models/dense:predict", content=b"{}", headers=headers).status_code == 400
        for part in (body[:-1], body[:-8], b""):  # without its checksum it may be another
            answer = client.post("/v1/models/dense:predict", content=part, headers=headers)
            assert (answer.status_code, "ends too early" in answer.json()["error"]) == (400, True)

    def test_a_compressed_body_of_several_members(self, client):
        body = json.dumps(ONE).encode()
        members, headers = gzip.compress(body[:7]) + gzip.compress(body[7:]), {"Content-Encoding": "gzip"}
        expected = predict(client, "dense", ONE)
        assert client.post("/v1/models/dense:predict", content=members, headers=headers).json() == expected
        pieces = (bytes([byte]) for byte in members)
        assert client.post("/v1/models/dense:predict", content=pieces, headers=headers).json() == expected

    def test_numbers_that_no_float64_holds(self, client):
        def post(text):
            return client.post("/v1/models/dense:predict", content=f'{{"instances": [[{text}, 2, 3, 4]]}}')

        for text in ("1e400", "-1e999"):
            answer = post(text)
            expected = f"JSON Parse error: Number too big to be stored in double: {text}"
            assert (answer.status_code, answer.json()["error"]) == (400, expected)
        assert post("Infinity").status_code == 200
        assert post("1e-400").status_code == 200

    def test_head_is_answered_like_get(self, client):
        for path in ("/", "/metrics", "/page.js"):
            answer = client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-type"] == client.get(path).headers["content-type"]


class TestRefused:
    @pytest.mark.parametrize(
        ("method", "path", "code", "message"),
        [
            ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
            ("POST", "/v1/foo", 400, "Malformed request"),
            ("POST", "/v1/models", 400, "Malformed request"),
            ("GET", "/v1/models/dense:predict", 400, "Malformed request"),
            ("PUT", "/v1/models/dense:predict", 400, "Malformed request: PUT /v1/models/dense:predict"),
            ("DELETE", "/v1/models/dense", 400, "Malformed request"),
            ("OPTIONS", "/v1/models/dense:predict", 400, "Malformed request"),
            ("POST", "/v1/models/dense/version/1:predict", 400, "Malformed request"),
            ("POST", "/v1/models/dense/versions/x:predict", 400, "Malformed request"),
            ("POST", "/v1/models/dense/versions/1/labels/stable:predict", 400, "Malformed request"),
            ("POST", "/v1/models/dense/metadata", 400, "Malformed request"),
            ("POST", "/v1/models/dense:sample", 400, "Malformed request"),
            ("POST", "/v1/models/dense:PREDICT", 400, "Malformed request"),
            ("POST", "/v1/models/dense:classify", 400, "Malformed request: POST /v1/models/dense:classify"),
            ("POST", "/v1/models/dense:regress", 400, "Malformed request: POST /v1/models/dense:regress"),
            ("POST", f"/v1/models/dense/versions/{2**64}:predict", 400, "Failed to convert version"),
            (
                "POST",
                f"/v1/models/dense/versions/{2**63}:predict",
                400,
                f"Failed to convert version: {2**63} to numeric.",
            ),
            (
                "POST",
                f"/v1/models/dense/versions/{'7' * 5000}:predict",
                400,
                f"Failed to convert version: {'7' * 200}...",
            ),
            ("GET", f"/v1/models/dense/versions/{'9' * 4301}", 400, f"Failed to convert version: {'9' * 200}..."),
            (
                "GET",
                f"/v1/models/dense/versions/{2**63 - 1}",
                404,
                f"Could not find version {2**63 - 1} of model dense",
            ),
            ("GET", "/v1/models/dense/versions/", 400, "Malformed request: GET /v1/models/dense/versions/"),
            ("GET", "/v1/models/dense/versions/1/", 400, "Malformed request"),
            ("GET", "/v1/models/dense/versions/+1", 400, "Malformed request"),
            ("GET", "/v1/models/dense/versions/%D9%A3", 400, "Malformed request"),
            ("GET", "/v1/models/dense/labels/", 400, "Malformed request"),
            ("POST", "/v1/models/dense/versions/:predict", 400, "Malformed request"),
            ("POST", "/v1/models/no:predict", 404, "Servable not found for request: Latest(no)"),
            ("POST", "/v1/models/dense/versions/7:predict", 404, "not found for request: Specific(dense, 7)"),
            ("POST", "/v1/models/dense/labels/no:predict", 400, "Unrecognized servable version label: no"),
            ("POST", "/v1/models/dense/labels/ghost:predict", 404, "not found for request: Specific(dense, 9)"),
            ("GET", "/v1/models/no", 404, "Could not find any versions of model no"),
            ("GET", "/v1/models/dense/versions/7", 404, "Could not find version 7 of model dense"),
            ("GET", "/v1/models/dense/labels/no", 400, "Unrecognized servable version label: no"),
            ("GET", "/v1/models/no/metadata", 404, "Servable not found for request: Latest(no)"),
            ("GET", "/v1/models/metadata/metadata/x", 400, "Malformed request"),
            ("GET", "/favicon.ico", 404, "Not Found: GET /favicon.ico"),
        ],
    )
    def test_paths(self, client, method, path, code, message):
        response = client.request(method, path, content=json.dumps(ONE))
        assert (response.status_code, response.headers["content-type"]) == (code, "application/json")
        assert message in response.json()["error"]

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ("", "JSON Parse error: The document is empty"),
            ("{", "JSON Parse error"),
            ({}, "Missing 'inputs' or 'instances' key"),
            ({"instances": [[1, 2, 3]]}, "input x: shape [1,3] does not fit [-1,4] of the signature"),
            ({"inputs": 1.0}, "input x: shape [] does not fit [-1,4] of the signature"),
            ({"instances": [["a"] * 4]}, "not of expected type: float"),
            ({"inputs": {"z": [[1, 2, 3, 4]]}}, "Missing named input: x in 'inputs' object."),
            ({"instances": [{"z": [1, 2, 3, 4]}]}, "does not have named input: z"),
            ({"signature_name": "no", **ONE}, 'Serving signature name: "no" not found in signature def'),
        ],
    )
    def test_bodies(self, client, document, message):
        body = document if isinstance(document, str) else json.dumps(document)
        response = client.post("/v1/models/dense:predict", content=body)
        assert response.status_code == 400
        assert message in response.json()["error"]

    def test_an_error_of_the_graph(self, client):
        response = client.post("/v1/models/mixed:predict", json={"signature_name": "embed", "instances": [[1], [50]]})
        assert response.status_code == 400
        assert response.json()["error"].startswith("indices[1,0] = 50 is not in [0, 10)")

    def test_rows_of_an_output_that_has_none(self, client):
        response = client.post("/v1/models/mixed:predict", json={"signature_name": "total", "instances": [1]})
        assert response.status_code == 400
        assert response.json()["error"] == "Tensor name: total has no shape information "


class TestStatus:
    def test_of_a_model(self, client):
        expected = {
            "model_version_status": [
                {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            ]
        }
        for path in ("dense", "dense/versions/1", "dense/labels/stable"):
            assert client.get(f"/v1/models/{path}").json() == expected

    def test_metadata(self, client):
        document = client.get("/v1/models/dense/metadata").json()
        assert document["model_spec"] == {"name": "dense", "signature_name": "", "version": "1"}
        signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert signature["method_name"] == "tensorflow/serving/predict"
        assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
        sizes = [dim["size"] for dim in signature["inputs"]["x"]["tensor_shape"]["dim"]]
        assert sizes == ["-1", "4"]
        assert client.get("/v1/models/dense/versions/1/metadata").json() == document

    def test_list_of_all_models(self, client):
        models = {model["name"]: model for model in client.get("/v1/models").json()["models"]}
        assert models.keys() == {"dense", "mixed"}
        assert models["dense"]["labels"] == {"stable": 1, "ghost": 9}
        metadata = {"preset": "dense", "version": 1}
        assert models["dense"]["versions"] == [
            {"version": "1", "state": "AVAILABLE", "error": "", "metadata": metadata}
        ]
        assert models["mixed"]["versions"][0]["metadata"] is None

    def test_metrics(self, client):
        predict(client, "dense", ONE)
        client.post("/v1/models/dense:predict", content="")
        client.post("/v1/models/nobody:predict", json=ONE)
        text = client.get("/metrics").text
        for line in (
            'kerazoo_requests_total{code="OK",entrypoint="REST",method="predict",model="dense"}',
            'kerazoo_requests_total{code="INVALID_ARGUMENT",entrypoint="REST",method="predict",model="dense"}',
            'kerazoo_requests_total{code="NOT_FOUND",entrypoint="REST",method="predict",model="(unknown)"}',
            'kerazoo_request_seconds_bucket{entrypoint="REST",le="0.001",method="predict",model="dense"}',
            'kerazoo_batch_rows_count{model="dense",signature="serving_default"}',
            'kerazoo_queue_length{model="dense",version="1"} 0.0',
            'kerazoo_versions_loaded{model="dense"} 1.0',
        ):
            assert line in text
        assert "nobody" not in text
        assert client.get("/monitoring/prometheus/metrics").status_code == 200


def test_serve_in_a_thread_of_a_notebook_or_of_another_server():
    said, stop = [], threading.Event()
    options = {"rest_port": 0, "grpc_port": None, "say": said.append, "stop": stop}
    thread = threading.Thread(target=serve, args=(saved_models(),), kwargs=options)
    thread.start()
    deadline = time.monotonic() + 60
    while not any("REST http://" in line for line in said) and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    address = next(line.removeprefix("REST ") for line in said if "REST http://" in line)
    assert httpx.get(f"{address}/v1/models/dense").status_code == 200
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert "stopping: running requests are finished" in said
