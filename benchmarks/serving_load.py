"""A served export under load: 64 clients, REST or gRPC, with and without batching.

    python benchmarks/serving_load.py models/ [--model NAME] [--seconds 60] [--protocol rest grpc] [--out load.json]

`models/` is a folder of exports. Each server is a child process, started anew; the clients are threads of this process,
each with one connection, which send random inputs of the signature as fast as they are answered. On a small machine
the clients take much of the processors' time: compare rows of one table, not tables. Lost requests must be 0 and
memory must stay flat: it is read every few seconds from /proc, so this script needs Linux.
"""

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

SERVE = """
import sys
from kerazoo.serving import serve
serve(sys.argv[1], rest_port=0, grpc_port=0, batching=sys.argv[2] == "True", poll_seconds=5)
"""
FREE = 16  # what a free inner dimension is set to
PAGE = 4096


class Served:
    """A server in a child process, and its ports."""

    def __init__(self, folder, batching):
        command = [sys.executable, "-u", "-c", SERVE, str(folder), str(batching)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.ports = {}
        while len(self.ports) < 2:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("the server has ended; see above")
            for protocol, start in (("rest", "REST http://"), ("grpc", "gRPC ")):
                if line.startswith(start):
                    self.ports[protocol] = int(line.rpartition(":")[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def megabytes(self):
        resident = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(resident) * PAGE / 2**20

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["rest"])
        connection.request("GET", path)
        document = json.loads(connection.getresponse().read())
        connection.close()
        return document


def random_inputs(signature, rows, rng):
    """Arrays that fit a signature of `GET /v1/models/NAME/metadata`."""
    arrays = {}
    for name, spec in signature["inputs"].items():
        sizes = [int(dim["size"]) for dim in spec["tensor_shape"].get("dim", [])]
        shape = [rows if size < 0 and place == 0 else FREE if size < 0 else size for place, size in enumerate(sizes)]
        arrays[name] = _MAKERS[spec["dtype"]](shape, rng)
    return arrays


_MAKERS = {
    "DT_FLOAT": lambda shape, rng: rng.random(shape, np.float32),
    "DT_INT32": lambda shape, rng: rng.integers(1, 4, shape).astype(np.int32),
    "DT_INT64": lambda shape, rng: rng.integers(1, 4, shape),
    "DT_UINT8": lambda shape, rng: rng.integers(0, 256, shape).astype(np.uint8),
    "DT_STRING": lambda shape, rng: np.full(shape, "a small text", object),
}


def rest_caller(port, model, signature, arrays):
    body = json.dumps(
        {"signature_name": signature, "inputs": {name: a.tolist() for name, a in arrays.items()}}
    ).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call():
        connection.request("POST", f"/v1/models/{model}:predict", body)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer.decode())

    return call


def grpc_caller(port, model, signature, arrays):
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", options))
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return lambda: stub.Predict(request, timeout=60)


CALLERS = {"rest": rest_caller, "grpc": grpc_caller}


def load(served, caller, clients, seconds):
    """Let every client call until the time is over; returns the figures of the run."""
    end = time.monotonic() + seconds
    latencies, lost, memory = [[] for _ in range(clients)], [], []

    def client(place, call):
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                call()
            except Exception as error:
                lost.append(f"{type(error).__name__}: {error}")
            else:
                latencies[place].append(time.monotonic() - began)

    calls = [caller() for _ in range(clients)]
    for call in calls:
        call()  # connections are made, functions are traced
    threads = [threading.Thread(target=client, args=item) for item in enumerate(calls)]
    began = time.monotonic()
    end = began + seconds
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        memory.append(round(served.megabytes(), 1))
        time.sleep(min(5.0, seconds / 12))
    for thread in threads:
        thread.join()
    memory.append(round(served.megabytes(), 1))
    elapsed = time.monotonic() - began
    times = 1000 * np.concatenate([np.array(values) for values in latencies])
    p50, p99 = np.percentile(times, [50, 99]).round(2).tolist()
    rate = round(len(times) / elapsed, 1)
    return {"requests": len(times), "lost": len(lost), "errors": sorted(set(lost))[:3], "per_second": rate} | {
        "p50_ms": p50,
        "p99_ms": p99,
        "memory_mb": memory,
    }


def measure(arguments):
    rows = []
    for batching in (True, False):
        for protocol in arguments.protocol:
            with Served(arguments.models, batching) as served:
                model = arguments.model or served.get("/v1/models")["models"][0]["name"]
                document = served.get(f"/v1/models/{model}/metadata")["metadata"]["signature_def"]["signature_def"]
                inputs = random_inputs(document[arguments.signature], arguments.rows, np.random.default_rng(0))
                target = (served.ports[protocol], model, arguments.signature, inputs)
                figures = load(served, lambda: CALLERS[protocol](*target), arguments.clients, arguments.seconds)  # noqa: B023
            rows.append({"model": model, "protocol": protocol, "batching": batching, **figures})
            show(rows[-1], header=len(rows) == 1)
    return rows


COLUMNS = ("model", "protocol", "batching", "requests", "lost", "per_second", "p50_ms", "p99_ms")


def show(row, header):
    if header:
        print("| " + " | ".join((*COLUMNS, "MB after a sixth, a half, the end")) + " |")
        print("| --- " * (len(COLUMNS) + 1) + "|")
    memory = row["memory_mb"]
    spread = f"{memory[len(memory) // 6]}, {memory[len(memory) // 2]}, {memory[-1]}"
    print("| " + " | ".join(str(row[name]) for name in COLUMNS) + f" | {spread} |", flush=True)
    for error in row["errors"]:
        print(error, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="folder of exports, MODEL/VERSION/")
    parser.add_argument("--model", help="default: the first by name")
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--rows", type=int, default=1, help="rows of each request")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--protocol", nargs="+", choices=list(CALLERS), default=list(CALLERS))
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    rows = measure(arguments)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")
    sys.exit(1 if any(row["lost"] for row in rows) else 0)


if __name__ == "__main__":
    main()
