"""A server under load: full queues, clients that hang up, bodies of many megabytes, a graceful end."""

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from kerazoo.serving import Server, ServingError
from kerazoo.utils.errors import KerazooError
from tests.conftest import finish, python
from tests.serving_models import predict, runs, saved_models, until

ONE = {"instances": [[1, 2, 3, 4]]}


@pytest.fixture(scope="module")
def server():
    limits = {"max_rows": 20_000_000, "max_request_mb": 64}
    with Server(saved_models(), rest_port=0, grpc_port=None, max_queued=4, **limits) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=120) as client:
        yield client


class TestQueue:
    def slow(self, client, seconds=0.4):
        body = {"signature_name": "slow", "inputs": [seconds] * 64}  # a full batch: nothing joins it
        return client.post("/v1/models/mixed:predict", json=body)

    def test_a_full_queue_is_503(self, client):
        with ThreadPoolExecutor(12) as pool:
            codes = [r.status_code for r in pool.map(lambda _: self.slow(client), range(12))]
        assert set(codes) == {200, 503}
        assert codes.count(200) >= 5  # one runs, four wait
        assert self.slow(client, 0).status_code == 200

    def test_a_client_that_hangs_up_frees_its_place(self, server, client):
        batcher = server.repository.status("mixed")[0].servable.batcher
        before = runs(server, "mixed", "slow")
        running = threading.Thread(target=self.slow, args=(client, 1.0))
        running.start()
        until(lambda: runs(server, "mixed", "slow") > before)
        body = json.dumps({"signature_name": "slow", "inputs": [0.1] * 64}).encode()
        head = (
            f"POST /v1/models/mixed:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        connections = [socket.create_connection(("127.0.0.1", server.rest_port)) for _ in range(4)]
        for connection in connections:
            connection.sendall(head + body)
        until(lambda: batcher.waiting == 4)
        assert self.slow(client).status_code == 503
        for connection in connections:
            connection.close()
        until(lambda: batcher.waiting == 0)
        assert running.is_alive()
        running.join()
        assert self.slow(client, 0).status_code == 200

    def test_hanging_up_in_the_middle_of_a_body(self, server, client):
        head = b"POST /v1/models/dense:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
        with socket.create_connection(("127.0.0.1", server.rest_port)) as connection:
            connection.sendall(head)
            time.sleep(0.1)
        assert predict(client, "dense", ONE)


def send_large_body(client, megabytes):
    """Send many numbers and check their sum; returns (seconds, the longest small request meanwhile, their count)."""
    count = (megabytes << 20) // 9
    body = b'{"signature_name": "total", "inputs": [%s]}' % b",".join([b"0.500000", b"0.250000"] * (count // 2))
    assert len(body) > (megabytes << 20) - 100
    waits, done = [], threading.Event()

    def small():
        with httpx.Client(base_url=client.base_url, timeout=60) as other:
            while not done.is_set():
                began = time.monotonic()
                predict(other, "dense", ONE)
                waits.append(time.monotonic() - began)

    thread = threading.Thread(target=small)
    thread.start()
    began = time.monotonic()
    response = client.post("/v1/models/mixed:predict", content=body)
    seconds = time.monotonic() - began
    done.set()
    thread.join()
    assert response.json() == {"outputs": pytest.approx(0.375 * (count // 2 * 2), rel=1e-6)}
    return seconds, max(waits), len(waits)


class TestLargeBodies:
    def test_20_megabytes_beside_small_requests(self, client):
        seconds, longest, count = send_large_body(client, 20)
        assert count > 3
        assert longest < seconds / 2

    def test_an_error_in_a_large_body(self, client):
        body = json.dumps({"inputs": [[1, 2, 3, 4]] * 400_000 + [[1, 2, 3, "x"]]}).encode()
        response = client.post("/v1/models/dense:predict", content=body)
        assert response.status_code == 400
        assert 'JSON Value: "x" Type: String is not of expected type: float' in response.json()["error"]
        response = client.post("/v1/models/no:predict", content=body)
        assert response.status_code == 404

    @pytest.mark.slow
    def test_100_megabytes(self, client):
        seconds, longest, count = send_large_body(client, 100)
        assert count > 3
        assert longest < seconds / 2


class TestProcess:
    """`serve` in a process of its own."""

    CODE = (
        "import sys; from kerazoo.serving import serve; "
        "serve(sys.argv[1], host=sys.argv[2], rest_port=0, grpc_port=0, poll_seconds=60)"
    )

    def start(self, host="127.0.0.1"):
        process = python("-u", "-c", self.CODE, saved_models(), host)
        ports = {}
        while len(ports) < 2:
            line = process.stdout.readline()
            assert line, finish(process)
            for form in ("REST http://", "gRPC "):
                if line.startswith(form):
                    ports[form] = int(line.rpartition(":")[2])
        return process, f"http://127.0.0.1:{ports['REST http://']}"

    @pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
    def test_running_requests_are_finished(self, number):
        process, address = self.start()
        body = {"signature_name": "slow", "inputs": [1.0]}
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(httpx.post, f"{address}/v1/models/mixed:predict", json=body, timeout=60)
            time.sleep(0.3)
            process.send_signal(number)
            time.sleep(0.4)
            with pytest.raises(httpx.ConnectError):
                httpx.post(f"{address}/v1/models/dense:predict", json=ONE)
            assert running.result().json() == {"outputs": [1.0]}
        status, stdout, stderr = finish(process)
        assert status == 0, stderr
        assert "stopping: running requests are finished" in stdout
        assert "Traceback" not in stderr

    def test_a_server_for_other_machines_says_by_which_names_they_call_it(self):
        process, _ = self.start("0.0.0.0")
        line = "REST answers to localhost and this machine's addresses; allow other names: --allowed-host NAME\n"
        assert process.stdout.readline() == line
        process.send_signal(signal.SIGTERM)
        assert finish(process)[0] == 0


class TestCannotStart:
    def refused(self, *arguments, **options):
        with pytest.raises(ServingError) as error:
            Server(*arguments, **{"rest_port": 0, "grpc_port": None, **options}).start()
        assert "\n" not in str(error.value)
        assert isinstance(error.value, KerazooError)
        return str(error.value)

    def test_a_port_in_use(self, server):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            expected = (
                f"cannot listen on 127.0.0.1:{port}: address already in use; stop what uses it, or choose another"
            )
            assert expected in self.refused(saved_models(), rest_port=port)
            assert expected in self.refused(saved_models(), rest_port=None, grpc_port=port)

    def test_a_port_or_host_that_cannot_be(self):
        assert "127.0.0.1:70000" in self.refused(saved_models(), rest_port=70000)
        assert "cannot listen on no.such.host.invalid:0" in self.refused(saved_models(), host="no.such.host.invalid")

    def test_options(self):
        assert self.refused(saved_models(), max_batch_size=0) == "max_batch_size = 0: 1 or more is expected"
        assert self.refused(saved_models(), poll_seconds=float("nan")) == "poll_seconds = nan: 0.01 or more is expected"

    def test_folders(self, tmp_path):
        assert self.refused(tmp_path / "missing").endswith(
            "missing: no such folder; give the folder that holds MODEL/VERSION/"
        )
        assert "no model in it" in self.refused(tmp_path)
        assert "is the folder of one model; give its parent" in self.refused(saved_models() / "dense")
        (tmp_path / "broken" / "1").mkdir(parents=True)
        (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"no protocol buffer")
        assert "can be loaded; broken, version 1: " in self.refused(tmp_path)
