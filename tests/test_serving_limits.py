"""Limits of one request: rows, lengths, bytes and time are checked before anything of that size is made."""

import contextlib
import gzip
import json
import socket
import time
import tracemalloc

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from kerazoo.serving import Server, bodies, connections, rest, rpc
from kerazoo.serving.batching import Batcher
from kerazoo.serving.errors import Code, RequestError
from kerazoo.serving.hosts import host_of
from kerazoo.serving.limits import Limits, characters
from kerazoo.serving.signatures import Signature, Spec
from kerazoo.serving.tensors import describe_proto
from tests.serving_models import WEIGHTS, predict, refused, request_of, runs, saved_models, until
from tests.test_zoo import new

ONE = {"instances": [[1, 2, 3, 4]]}
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def server():
    options = {"max_rows": 100, "max_length": 50, "max_request_mb": 1, "max_seconds": 2.0}
    with Server(saved_models(), rest_port=0, grpc_port=0, allowed_hosts=["models.test"], **options) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def filled(model, signature, name, shape, value):
    """A request whose one value TensorFlow repeats over the whole shape."""
    request = request_of(model, {}, signature_name=signature)
    proto = tf.make_tensor_proto(value)
    del proto.tensor_shape.dim[:]
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    request.inputs[name].CopyFrom(proto)
    return request


def asked(client, document, model="mixed"):
    answer = client.post(f"/v1/models/{model}:predict", json=document)
    return answer.status_code, answer.json().get("error")


class TestOneValueOfAShape:
    def test_is_repeated(self, prediction):
        response = prediction.Predict(filled("dense", "serving_default", "x", [100, 4], 0.5))
        assert np.array_equal(tf.make_ndarray(response.outputs["y"]), np.full((100, 4), 0.5, "float32") @ WEIGHTS)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("dense", "serving_default", "x", [101, 4], 1.0), "input x: 101 rows; one request may have 100 (option"),
            (("dense", "serving_default", "x", [1 << 40, 4], 1.0), "input x: 1099511627776 rows"),
            (("mixed", "echo", "text", [1 << 33], "a"), "input text: 8589934592 rows"),
            (("mixed", "embed", "tokens", [2, 51], 1), "input tokens: a row of shape [51], 51 steps; 50 are allowed"),
            (("mixed", "wide", "x", [3, 100_000], 1.0), "input x: shape [3,100000] has more than 1 MB (option"),
            (("dense", "serving_default", "x", [3, 1 << 50], 1.0), "does not fit [-1,4] of the signature"),
            (("dense", "serving_default", "x", [-3, 4], 1.0), "a size of shape [-3,4] is negative"),
            (("dense", "serving_default", "x", [1] * 300, 1.0), "tensor parsing error: x (a shape of 300 sizes)"),
        ],
    )
    def test_beyond_the_bounds(self, prediction, arguments, message):
        refused(prediction.Predict, filled(*arguments), INVALID, message)

    def test_nothing_of_that_size_is_made(self):
        proto = filled("dense", "serving_default", "x", [40_000_000, 4], 1.0).inputs["x"]
        signature = Signature("s", {"x": Spec("float", (None, 4))}, {"y": Spec("float", (None,))})
        tracemalloc.start()
        with pytest.raises(RequestError, match="40000000 rows"):
            Limits().check(signature, {"x": describe_proto("x", proto)})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100_000

    def test_a_type_that_does_not_exist(self, prediction):
        request = request_of("dense", {})
        request.inputs["x"].tensor_shape.dim.add(size=1)
        refused(prediction.Predict, request, INVALID, "tensor parsing error: x")


class TestRows:
    def test_of_rest(self, client):
        assert predict(client, "dense", {"instances": [[0] * 4] * 100})["predictions"] == [[0, 0, 0]] * 100
        message = "101 rows in 'instances'; one request may have 100 (option --max-rows)"
        assert asked(client, {"instances": [["not", "even", "numbers"]] * 101}, "dense") == (400, message)
        message = "input x: 101 rows; one request may have 100 (option --max-rows)"
        assert asked(client, {"inputs": [[0] * 4] * 101}, "dense") == (400, message)

    def test_different_numbers_of_them(self, client):
        message = "inputs with different numbers of rows: a has 3, b has 2"
        assert asked(client, {"inputs": {"a": [[1, 2]] * 3, "b": [1, 2]}}) == (400, message)

    def test_more_than_a_batch_run_in_parts(self, server, client):
        before = runs(server, "dense", "serving_default")
        x = np.arange(400, dtype="float32").reshape(100, 4)
        expected = (x @ WEIGHTS).tolist()
        assert predict(client, "dense", {"inputs": x.tolist()})["outputs"] == expected
        assert runs(server, "dense", "serving_default") - before == 2  # 64 and 36


class TestTexts:
    def test_lengths_are_of_characters(self, client):
        assert predict(client, "mixed", {"signature_name": "echo", "inputs": ["ü" * 50]}) == {"outputs": ["ü" * 50]}
        message = "input text: a text of 51 characters; 50 are allowed (option --max-length)"
        assert asked(client, {"signature_name": "echo", "inputs": ["a", "ü" * 51]}) == (400, message)
        assert [characters(text.encode()) for text in ("", "aß€😀")] == [0, 4]

    def test_files_have_none(self):
        signature = Signature("s", {"image_bytes": Spec("string", (None,))}, {"y": Spec("float", (None,))})
        Limits(length=5).check_texts(signature, {"image_bytes": np.array([b"x" * 99], object)})
        with pytest.raises(RequestError, match="input image_bytes: texts of more than 1 MB"):
            Limits(megabytes=1).check_texts(signature, {"image_bytes": np.array([b"x" * (1 << 20), b"y"], object)})

    def test_of_a_signature_that_cannot_run_in_parts(self, client):
        document = {"signature_name": "split", "inputs": ["a" * 10] * 5}
        assert len(predict(client, "mixed", document)["outputs"]) == 5
        document["inputs"].append("a")
        message = "6 rows, the longest of 10; 50 in all are allowed (option --max-length): send fewer rows at a time"
        assert asked(client, document) == (400, message)

    def test_a_run_has_fewer_long_rows(self, server, client):
        before = runs(server, "mixed", "shout")
        texts = ["a" * 20] * 6  # two of them have place in 50
        predict(client, "mixed", {"signature_name": "shout", "inputs": texts})
        assert runs(server, "mixed", "shout") - before == 3


use_texts = pytest.mark.xdist_group("texts")  # one server


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A client of a server of the two models that take ids."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("lstm_char_lm", "seq2seq"):
        new(name).export(folder / name / "1")
    with (
        Server(folder, rest_port=0, grpc_port=None) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=60) as client,
    ):
        yield client


@use_texts
class TestTokens:
    def shape(self, client, name):
        (model,) = [model for model in client.get("/v1/models").json()["models"] if model["name"] == name]
        return model["versions"][0]["metadata"]["signatures"]

    @pytest.mark.parametrize("place", [0, 2])
    def test_ids_out_of_range(self, texts, place):
        about = self.shape(texts, "lstm_char_lm")["next_token"]["inputs"]
        most, state = about["tokens"]["maximum"], np.zeros((3, *about["state"]["shape"][1:])).tolist()
        for wrong, words in ((most + 1, f"at most {most}"), (-1, "at least 0"), (2**31 - 1, f"at most {most}")):
            tokens = [0, most, 1]
            tokens[place] = wrong
            inputs = {"tokens": tokens, "state": state}
            code, error = asked(texts, {"signature_name": "next_token", "inputs": inputs}, "lstm_char_lm")
            assert (code, error) == (400, f"tokens: {words} is expected, not {' '.join(map(str, tokens))}")
        inputs["tokens"][place] = most
        assert len(predict(texts, "lstm_char_lm", {"signature_name": "next_token", "inputs": inputs})["outputs"]) == 2

    def test_ids_of_sentences(self, texts):
        most = self.shape(texts, "seq2seq")["score_tokens"]["inputs"]["source"]["maximum"]
        for source, code in (([4, 5], 200), ([4, most + 1], 400)):
            inputs = {"source": [source], "target": [[4, 5]]}
            document = {"signature_name": "score_tokens", "inputs": inputs}
            assert texts.post("/v1/models/seq2seq:predict", json=document).status_code == code
        inputs = {"tokens": [[4, 5]], "max_length": 1001, "length_penalty": 1.0}
        document = {"signature_name": "translate_tokens", "inputs": inputs}
        assert asked(texts, document, "seq2seq") == (400, "number: at most 1000 is expected, not 1001")

    @pytest.mark.parametrize(("tokens", "states"), [(2, 3), (3, 1), (1, 2)])
    def test_of_so_many_rows_and_states_of_others(self, texts, tokens, states):
        shape = self.shape(texts, "lstm_char_lm")["next_token"]["inputs"]["state"]["shape"]
        inputs = {"tokens": [0] * tokens, "state": np.zeros((states, *shape[1:])).tolist()}
        message = f"inputs with different numbers of rows: state has {states}, tokens has {tokens}"
        assert asked(texts, {"signature_name": "next_token", "inputs": inputs}, "lstm_char_lm") == (400, message)


class TestBytes:
    def test_of_a_message(self, prediction):
        request = request_of("dense", {})
        request.inputs["x"].tensor_content = bytes(3 << 20)
        refused(prediction.Predict, request, grpc.StatusCode.RESOURCE_EXHAUSTED, "message larger than max")

    def test_of_a_body(self, client):
        most = 4 << 20
        for headers, pack, code in (({}, bytes, 429), ({"Content-Encoding": "gzip"}, gzip.compress, 400)):
            body = json.dumps(ONE).encode()
            for extra, expected in ((0, 200), (1, code), (9_000_000, code)):
                content = pack(body + b" " * (most - len(body) + extra))
                answer = client.post("/v1/models/dense:predict", content=content, headers=headers)
                assert answer.status_code == expected, (headers, extra)
                assert (answer.headers.get("connection") == "close") == (expected != 200)
        assert answer.json()["error"] == f"Failed to uncompress the request body: more than {most} bytes"

    def test_of_an_answer(self, client):
        inputs = {"seed": [1, 2], "num_samples": 100_000}
        message = "the answer has more than 1 MB (option --max-request-mb): ask for less at a time"
        assert asked(client, {"signature_name": "sample", "inputs": inputs}) == (429, message)

    def test_of_python_s_objects(self, monkeypatch):
        body = bodies.Body(64 << 20, bodies.Room(64 << 20))
        body.write(b'{"instances": [' + b"[]," * 8_000_000 + b"[]]}")
        monkeypatch.setattr(
            bodies, "_CHILD", "import kerazoo.serving.bodies as b; b.MEMORY = 200 << 20;" + bodies._CHILD
        )
        signature = Signature("serving_default", {"x": Spec("float", (None,))}, {"y": Spec("float", (None,))})
        with body, pytest.raises(RequestError) as error:
            body.decode({"serving_default": signature}, 1000)
        assert error.value.code is Code.RESOURCE_EXHAUSTED
        assert "as Python's objects it takes more than 200 MB; send less at a time" in str(error.value)

    def test_of_all_bodies(self, server):
        """Ten packed bodies of 4 MB, held back before their ends, of which eight have room."""
        packed = gzip.compress(b" " * ((4 << 20) - 10))
        head = "POST /v1/models/dense:predict HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
        head += f"Content-Length: {len(packed)}\r\n\r\n"
        answers = []
        with contextlib.ExitStack() as stack:
            for seconds in [0.1] * 8 + [10.0] * 2:  # so long the server has for each
                address = ("127.0.0.1", server.rest_port)
                connection = stack.enter_context(socket.create_connection(address, timeout=seconds))
                connection.sendall(head.encode() + packed[:-1])
                with contextlib.suppress(TimeoutError):
                    answers.append(connection.recv(1 << 16))
            with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}") as client:
                assert predict(client, "dense", ONE)  # small ones always have room
        assert len(answers) == 2
        for answer in answers:
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"too many large request bodies at the same time: try again" in answer
        with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}") as client:
            headers = {"Content-Encoding": "gzip"}
            until(lambda: client.post("/v1/models/dense:predict", content=packed, headers=headers).status_code == 400)

    def test_of_what_waits(self):
        batcher = Batcher(lambda *_: time.sleep(0.2) or {"y": np.zeros(1)}, join=False, max_bytes=100)
        signature = Signature("s", {"x": Spec("float", (None,))}, {"y": Spec("float", (None,))})
        x = {"x": np.zeros(100, "float32")}  # half of what may wait
        running = batcher.submit(signature, x)
        until(lambda: batcher.waiting == 0)
        waiting = [batcher.submit(signature, x) for _ in range(2)]
        with pytest.raises(RequestError) as error:
            batcher.submit(signature, x)
        assert error.value.code is Code.UNAVAILABLE
        assert [len(future.result(10)["y"]) for future in (running, *waiting)] == [1, 1, 1]
        assert batcher.submit(signature, x).result(10)
        batcher.close()


class TestTime:
    def slow(self, seconds):
        return {"signature_name": "slow", "inputs": [seconds] * 64}

    def test_the_servers_limit_ends_a_run(self, server, client, prediction):
        for ask in (
            lambda: asked(client, self.slow(40.0)),
            lambda: refused(
                prediction.Predict,
                request_of("mixed", {"seconds": np.full(64, 40.0, "float32")}, signature_name="slow"),
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "Deadline Exceeded",
            ),
        ):
            began = time.monotonic()
            assert ask() in (None, (504, "Deadline Exceeded"))
            assert 1.9 < time.monotonic() - began < 4
        began = time.monotonic()
        assert predict(client, "mixed", self.slow(0.01))  # nothing runs any more
        assert time.monotonic() - began < 1.5

    def test_a_client_that_hangs_up_ends_its_run(self, server, client):
        before = runs(server, "mixed", "slow")
        body = json.dumps(self.slow(30.0)).encode()
        head = f"POST /v1/models/mixed:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.rest_port)) as connection:
            connection.sendall(head.encode() + body)
            until(lambda: runs(server, "mixed", "slow") > before)
        began = time.monotonic()
        assert predict(client, "mixed", self.slow(0.01))
        assert time.monotonic() - began < 1.5

    def test_parts_that_nobody_waits_for_are_not_run(self):
        seen = []

        def run(signature, arrays, stop):
            seen.append(len(arrays["x"]))
            if len(seen) == 2:
                future.cancel()
            return {"y": arrays["x"]}

        batcher = Batcher(run, max_batch_size=4, timeout=0.05)
        signature = Signature("s", {"x": Spec("float", (None,))}, {"y": Spec("float", (None,))})
        future = batcher.submit(signature, {"x": np.zeros(15, "float32")})
        with pytest.raises(RequestError) as error:
            future.result(10)
        assert (error.value.code, seen) == (Code.CANCELLED, [4, 4])
        late = batcher.submit(signature, {"x": np.zeros(15, "float32")}, time.monotonic() - 1)
        with pytest.raises(RequestError, match="Deadline Exceeded"):
            late.result(10)
        assert seen == [4, 4]
        batcher.close()


class TestHosts:
    def status(self, client, host):
        return client.get("/v1/models/dense", headers={"Host": host})

    def test_names_that_are_allowed(self, server, client):
        for host in ("localhost", "LOCALHOST:1", f"127.0.0.1:{server.rest_port}", "[::1]:8501", "models.test:80"):
            assert self.status(client, host).status_code == 200, host

    @pytest.mark.parametrize(
        "host", ["evil.test", "evil.test:8501", "localhost.evil.test", "127.0.0.1.nip.io", "10.0.0.9"]
    )
    def test_foreign_names(self, client, host):
        answer = self.status(client, host)
        message = f"Host {host!r} is not a name of this server; start it with --allowed-host NAME to allow one"
        assert (answer.status_code, answer.json()) == (403, {"error": message})
        assert client.get("/", headers={"Host": host}).status_code == 403
        assert client.post("/v1/models/dense:predict", json=ONE, headers={"Host": host}).status_code == 403

    def test_any_address_that_a_request_arrives_at(self):
        with Server(saved_models(), host="0.0.0.0", rest_port=0, grpc_port=None) as server:
            url = f"http://127.0.0.2:{server.rest_port}/v1/models/dense"
            assert httpx.get(url).status_code == 200
            assert httpx.get(url, headers={"Host": "evil.test"}).status_code == 403

    def test_all(self):
        with Server(saved_models(), rest_port=0, grpc_port=None, allowed_hosts=["*"]) as server:
            assert httpx.get(f"http://127.0.0.1:{server.rest_port}/", headers={"Host": "any.test"}).status_code == 200

    def test_of_a_header(self):
        headers = ("a.b", " A.b:80", "[::1]", "[fe80::1]:80", "")
        assert [host_of(header) for header in headers] == ["a.b", "a.b", "::1", "fe80::1", ""]


class TestSlowConnections:
    """Each is told what to wait for less than by default."""

    def ends(self, server, *parts, pause=0.1):
        """Send parts with pauses; gives what comes back until the server ends the connection."""
        with socket.create_connection(("127.0.0.1", server.rest_port), timeout=10) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            answer = b""
            while chunk := connection.recv(1 << 16):
                answer += chunk
            return answer

    def test_of_headers(self, server, monkeypatch):
        monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
        began = time.monotonic()
        assert self.ends(server) == b""
        assert self.ends(server, b"GET / HTTP/1.1\r\n", b"Host: localhost\r\n") == b""
        assert time.monotonic() - began < 5

    def test_of_the_second_request(self, server, monkeypatch):
        monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
        whole = b"GET /v1/models/dense HTTP/1.1\r\nHost: localhost\r\n\r\n"
        began = time.monotonic()
        assert self.ends(server, whole, b"GET / HTTP/1.1\r\n").startswith(b"HTTP/1.1 200 OK")
        assert time.monotonic() - began < 3  # before uvicorn's own 5 seconds

    def test_headers_without_end(self, server):
        with pytest.raises((ConnectionError, BrokenPipeError)):
            self.ends(server, b"GET / HTTP/1.1\r\n", *[b"X-Header: %s\r\n" % (b"x" * 9000)] * 40, pause=0.01)

    def test_of_a_body(self, server, monkeypatch):
        monkeypatch.setattr(rest, "BODY_SECONDS", 0.3)
        head = b"POST /v1/models/dense:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
        answer = self.ends(server, head, b"{")
        assert answer.startswith(b"HTTP/1.1 504")
        assert b'"error": "Deadline Exceeded: the body did not come in time"' in answer

    def test_a_body_that_drips(self, server):
        head = b"POST /v1/models/dense:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
        began = time.monotonic()
        assert self.ends(server, head, *[b" "] * 17).startswith(b"HTTP/1.1 504")  # 2 seconds in all
        assert time.monotonic() - began < 5

    def test_of_a_message(self, monkeypatch):
        monkeypatch.setattr(rpc, "MESSAGE_SECONDS", 0.4)
        with (
            Server(saved_models(), rest_port=None, grpc_port=0) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        ):
            method = "/tensorflow.serving.PredictionService/Predict"
            call = channel.stream_unary(method, predict_pb2.PredictRequest.SerializeToString)
            began = time.monotonic()
            with pytest.raises(grpc.RpcError) as error:
                call(_never(5))
            assert error.value.code() is grpc.StatusCode.CANCELLED
            assert time.monotonic() - began < 3
            with pytest.raises(grpc.RpcError) as error:
                call(iter(()))
            assert (error.value.code(), error.value.details()) == (INVALID, "the call has no message")


def _never(seconds):
    time.sleep(seconds)
    yield predict_pb2.PredictRequest()
