"""The folder `export/`: configurations against TensorFlow Serving's protos, and clients against a running server."""

import os
import random
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from PIL import Image
from tensorflow_serving.config import model_server_config_pb2

import kerazoo
from kerazoo.exporting import export_version
from kerazoo.serving import Server

EXPORT = Path(__file__).parents[1] / "export"

# tensorflow-serving-api leaves out these two; their fields as in TensorFlow Serving's session_bundle_config.proto and
# monitoring_config.proto.
INT64, BOOL, STRING, MESSAGE = 3, 8, 9, 11
FIELDS = {
    "Value": [("value", INT64, None)],
    "Flag": [("value", BOOL, None)],
    "BatchingParameters": [
        *((name, MESSAGE, "Value") for name in ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")),
        *((name, MESSAGE, "Value") for name in ("num_batch_threads", "max_execution_batch_size")),
        ("pad_variable_length_inputs", BOOL, None),
        ("enable_large_batch_splitting", MESSAGE, "Flag"),
    ],
    "PrometheusConfig": [("enable", BOOL, None), ("path", STRING, None)],
    "MonitoringConfig": [("prometheus_config", MESSAGE, "PrometheusConfig")],
}


def messages():
    file = descriptor_pb2.FileDescriptorProto(name="serving_files.proto", package="files", syntax="proto3")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, of) in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=kind, label=1, type_name=of and f".files.{of}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"files.{name}")) for name in FIELDS}


def parse(name, text):
    return text_format.Parse(text, messages()[name]())


def kubernetes(name="kubernetes.yaml"):
    return {one["kind"]: one for one in yaml.safe_load_all((EXPORT / name).read_text())}


def serving():
    """The pod of the Deployment."""
    return kubernetes()["Deployment"]["spec"]["template"]["spec"]


def test_configurations_are_what_tensorflow_serving_reads():
    def read(name):
        return (EXPORT / "config" / name).read_text()

    models = text_format.Parse(read("models.config"), model_server_config_pb2.ModelServerConfig())
    (model,) = models.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("dcgan", "/models/dcgan", "tensorflow")
    batching = parse("BatchingParameters", read("batching.config"))
    assert batching.max_batch_size.value == 1024
    # Padding changes the answers of some signatures, and splitting crashes the server on others.
    assert not batching.pad_variable_length_inputs
    assert not batching.enable_large_batch_splitting.value
    assert parse("MonitoringConfig", read("monitoring.config")).prometheus_config.enable


def test_compose_and_kubernetes_start_the_server_alike():
    compose = yaml.safe_load((EXPORT / "docker-compose.yml").read_text())["services"]["serving"]
    (container,) = serving()["containers"]
    assert compose["command"] == container["args"]
    assert container["image"] in compose["image"]
    named = [argument.split("/config/")[1] for argument in compose["command"] if "/config/" in argument]
    assert all((EXPORT / "config" / name).is_file() for name in named)
    assert "./config:/config:ro" in compose["volumes"]
    service = kubernetes()["Service"]["spec"]
    assert {port["targetPort"] for port in service["ports"]} == {port["name"] for port in container["ports"]}
    assert service["selector"] == kubernetes()["Deployment"]["spec"]["selector"]["matchLabels"]


def test_a_config_map_of_the_folder_is_mounted_and_none_written_by_hand():
    volumes = {one["name"]: one for one in serving()["volumes"]}
    name = volumes["config"]["configMap"]["name"]
    assert "ConfigMap" not in kubernetes()
    assert f"kubectl create configmap {name} --from-file=export/config " in (EXPORT / "README.md").read_text()


def test_the_loader_writes_where_the_server_reads():
    loader, readme = kubernetes("kubernetes-loader.yaml")["Pod"], (EXPORT / "README.md").read_text()
    (writes,) = loader["spec"]["containers"][0]["volumeMounts"]
    reads = next(one for one in serving()["containers"][0]["volumeMounts"] if one["name"] == "models")
    assert (reads["mountPath"], reads.get("readOnly")) == (writes["mountPath"], True)
    assert not writes.get("readOnly")
    claims = [next(one for one in pod["volumes"] if one["name"] == "models") for pod in (loader["spec"], serving())]
    assert claims[0] == claims[1]
    assert claims[0]["persistentVolumeClaim"]["claimName"] == kubernetes()["PersistentVolumeClaim"]["metadata"]["name"]
    (term,) = loader["spec"]["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    labels = kubernetes()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert term["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels
    name, folder = loader["metadata"]["name"], writes["mountPath"]
    for command in (f"kubectl cp models {name}:{folder}/.new", f"kubectl delete pod {name}"):
        assert command in readme


def test_an_empty_volume_restarts_no_pod():
    (container,) = serving()["containers"]
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 1800
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):  # of no model: any may be served
        assert container[probe]["tcpSocket"]["port"] in ports


def script(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}, timeout=120)


def models_config(folder, *labels):
    options = [part for label in labels for part in ("--label", label)]
    result = script(EXPORT / "models_config.py", folder, "--out", folder / "models.config", *options)
    assert result.returncode == 0, result.stderr
    return text_format.Parse((folder / "models.config").read_text(), model_server_config_pb2.ModelServerConfig())


def version(folder, number):
    (folder / str(number)).mkdir(parents=True)
    (folder / str(number) / "saved_model.pb").touch()


def test_models_config_of_a_folder(tmp_path):
    version(tmp_path / "dcgan", 1)
    version(tmp_path / "dcgan", 2)
    version(tmp_path / "vae", 3)
    (tmp_path / "unfinished").mkdir()
    dcgan, vae = models_config(tmp_path, "dcgan:stable=1", "dcgan:canary=2").model_config_list.config
    assert (dcgan.name, vae.name, vae.base_path) == ("dcgan", "vae", "/models/vae")
    assert dict(dcgan.version_labels) == {"stable": 1, "canary": 2}
    assert list(dcgan.model_version_policy.specific.versions) == [1, 2]
    assert vae.model_version_policy.latest.num_versions == 1


@pytest.mark.parametrize(
    ("label", "words"),
    [("dcgan:stable=9", "there is no"), ("gan:stable=1", "holds dcgan"), ("stable=1", "MODEL:LABEL=VERSION")],
)
def test_models_config_says_what_is_wrong(tmp_path, label, words):
    version(tmp_path / "dcgan", 1)
    result = script(EXPORT / "models_config.py", tmp_path, "--label", label, "--out", tmp_path / "models.config")
    assert result.returncode != 0
    assert words in result.stderr
    assert not (tmp_path / "models.config").exists()


class Colours(tf.Module):
    """`generate`: images of 4 x 5 pixels that grow brighter, in the colour that the latent is."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="z")])
    def generate(self, z):
        ramp = tf.reshape(tf.range(20, dtype=tf.float32) / 19, [1, 4, 5, 1])
        return {"images": ramp * tf.reshape(tf.abs(z), [-1, 1, 1, 3])}


class Points(tf.Module):
    """`generate`: no images, but points."""

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="z")])
    def generate(self, z):
        return {"points": z}


class Texts(tf.Module):
    """`generate`: of text."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def generate(self, text):
        return {"text": text}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """dcgan, the three above, and `scorer`, which has no `generate`."""
    folder = tmp_path_factory.mktemp("models")
    export_version(kerazoo.load("dcgan"), folder / "dcgan")
    for name, module, signature in (
        ("colours", Colours(), "generate"),
        ("points", Points(), "generate"),
        ("texts", Texts(), "generate"),
        ("scorer", Points(), "score"),
    ):
        tf.saved_model.save(module, str(folder / name / "1"), signatures={signature: module.generate})
    with Server(folder, rest_port=0, grpc_port=0) as server:
        yield server


def grid(images):
    """As the clients are to draw them, white behind the last: numbers of 0 to 255."""
    num, height, width, channels = images.shape
    columns = int(np.ceil(np.sqrt(num)))
    pixels = np.full((-(-num // columns) * height, columns * width, channels), 255.0)
    for number, image in enumerate(np.asarray(images)):
        y, x = number // columns * height, number % columns * width
        pixels[y : y + height, x : x + width] = np.round(image * 255)
    return pixels


def picture(path):
    found = Image.open(path)
    assert found.format == "PNG"
    pixels = np.asarray(found, int)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def same(found, expected):
    """Equal pixels, but for floats that were rounded to text on their way: by one step."""
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= 1


def test_the_clients_save_the_same_pictures(server, tmp_path):
    z = np.random.default_rng(3).uniform(-1, 1, (5, 100)).astype("float32")
    expected = grid(kerazoo.load("dcgan").decode(z))
    assert expected.shape == (2 * 28, 3 * 28, 1)
    for name, port in (("rest", server.rest_port), ("grpc_client", server.grpc_port)):
        out = tmp_path / f"{name}.png"
        options = ("--server", f"127.0.0.1:{port}", "--num", 5, "--seed", 3, "--out", out)
        result = script(EXPORT / "clients" / f"{name}.py", *options)
        assert result.returncode == 0, result.stderr
        assert result.stdout == f"wrote {out}: 5 images of dcgan\n"
        same(picture(out), expected)


@pytest.fixture
def client(monkeypatch):
    """Runs a client's file in this process: `client(name, *arguments)` is its last line, or None if it went well."""
    monkeypatch.syspath_prepend(EXPORT / "clients")

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        try:
            runpy.run_path(str(EXPORT / "clients" / f"{name}.py"), run_name="__main__")
        except SystemExit as end:
            return end.code
        return None

    return run


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize("name", ["rest", "grpc_client"])
def test_any_number_of_latents_of_any_length_and_colours(server, client, tmp_path, name):
    address = f"http://127.0.0.1:{server.rest_port}/" if name == "rest" else f"127.0.0.1:{server.grpc_port}"
    options = ("--num", 150, "--prior", "normal", "--out", tmp_path / "colours")
    assert client(name, "--server", address, "--model", "colours", *options) is None
    z = np.random.default_rng(0).standard_normal((150, 3)).astype("float32")  # more than one request has
    same(picture(tmp_path / "colours"), grid(Colours().generate(z)["images"].numpy().clip(0, 1)))


@pytest.mark.parametrize("name", ["rest", "grpc_client"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "none"], {"rest": "404 Servable not found", "grpc_client": "NOT_FOUND Servable not found"}),
        (["--label", "x"], {"rest": "400 Unrecognized", "grpc_client": "INVALID_ARGUMENT Unrecognized"}),
        (["--model", "points"], "points: generate takes z and gives points"),
        (["--model", "texts"], "texts: generate takes text and gives text"),
        (["--model", "scorer"], "scorer has no signature generate; it has score"),
        (["--num", "0"], "--num 0: 1 or more"),
        (["--seed", "-1"], "--seed -1: 0 or more"),
        (["--model", "colours", "--out", "/"], "/: Is a directory"),
        (["--server", "127.0.0.1:{closed}"], {"rest": "no server answers", "grpc_client": "UNAVAILABLE"}),
        (["--server", "127.0.0.1:{other}"], {"rest": "no server answers", "grpc_client": "UNAVAILABLE"}),
    ],
)
def test_the_clients_end_with_one_line(server, client, tmp_path, name, options, words):
    ports = (server.rest_port, server.grpc_port)
    port, other = ports if name == "rest" else ports[::-1]
    options = [option.format(closed=closed_port(), other=other) for option in options]
    said = client(name, "--server", f"127.0.0.1:{port}", "--out", tmp_path / "x.png", *options)
    assert (words if isinstance(words, str) else words[name]) in said
    assert "\n" not in said
    assert not (tmp_path / "x.png").exists()


def curl(*arguments):
    command = [EXPORT / "clients" / "rest.sh", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("model", "length", "prior"), [("dcgan", 100, "uniform"), ("colours", 3, "normal")])
def test_curl_saves_the_picture_of_its_latents(server, tmp_path, model, length, prior):
    result = curl(f"127.0.0.1:{server.rest_port}", model, tmp_path / "curl.png", prior)
    assert result.returncode == 0, result.stderr
    assert '"AVAILABLE"' in result.stdout
    assert result.stdout.endswith(f"wrote {tmp_path / 'curl.png'}: 16 images of {model}\n")
    rng = random.Random(0)
    draw = {"uniform": lambda: rng.uniform(-1, 1), "normal": lambda: rng.gauss(0, 1)}[prior]
    z = np.float32([[draw() for _ in range(length)] for _ in range(16)])
    images = kerazoo.load("dcgan").decode(z) if model == "dcgan" else Colours().generate(z)["images"]
    same(picture(tmp_path / "curl.png"), grid(np.clip(images, 0, 1)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], 'rest.sh: 404 { "error": "Could not find any versions of model none" }'),
        (["points"], "rest.sh: points: generate takes z and gives points"),
        (["scorer"], "rest.sh: scorer has no signature generate"),
        (["colours", "/"], "rest.sh: /: Is a directory"),
        (["colours", "/", "none"], "rest.sh: none: uniform or normal is expected"),
        (None, "curl: (7) Failed to connect"),
    ],
)
def test_curl_says_what_is_wrong(server, arguments, words):
    port = closed_port() if arguments is None else server.rest_port
    result = curl(f"127.0.0.1:{port}", *arguments or ())
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(words)


@pytest.mark.xdist_group("litert")
@pytest.mark.usefixtures("one_converter")
def test_the_device_draws_the_same_pictures(tmp_path):
    model = kerazoo.load("wgan_gp")
    model.export(tmp_path / "digits.tflite", "litert")
    options = ("--num", 4, "--seed", 3, "--prior", "normal", "--out", tmp_path / "device.png")
    result = script(EXPORT / "clients" / "litert_device.py", tmp_path / "digits.tflite", *options)
    assert result.returncode == 0, result.stderr
    z = np.random.default_rng(3).standard_normal((4, model.latent_dim)).astype("float32")
    same(picture(tmp_path / "device.png"), grid(model.decode(z)))
