"""Versions come and go while the server runs: forward, back, broken, labelled."""

import json
import shutil
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from kerazoo.serving import Server, repository
from kerazoo.serving.versions import version_number
from tests.serving_models import WEIGHTS, copy_version, save_dense, saved_models

X = [[1, 2, 3, 4]]
EXPECTED = (np.array(X, np.float32) @ WEIGHTS).tolist()
POLL = 0.05


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Versions 1, 2 and 3, whose answers are multiplied by their number."""
    saved_models()  # and its gc.freeze
    folder = tmp_path_factory.mktemp("versions") / "dense"
    folder.mkdir()
    for number in (1, 2, 3):
        save_dense(folder / str(number), float(number), warmup=np.ones((1, 4), np.float32))
    return folder


class Served:
    """A server of `models/dense`, whose folder a test changes."""

    def __init__(self, folder, versions, *numbers, **options):
        self.folder, self.versions, self.said = folder / "models", versions, []
        (self.folder / "dense").mkdir(parents=True)
        for number in numbers:
            self.add(number)
        options = {"rest_port": 0, "grpc_port": 0, "poll_seconds": POLL, "say": self.said.append, **options}
        self.server = Server(self.folder, **options)

    def __enter__(self):
        self.server.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.server.rest_port}/v1/models", timeout=60)
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.stop()

    def add(self, number):
        copy_version(self.versions / str(number), self.folder / "dense" / str(number))

    def remove(self, number):
        path = self.folder / "dense" / str(number)
        shutil.rmtree(path.rename(path.with_name(".gone")))

    def factor(self, path="dense"):
        """The factor of the answer, or the error."""
        document = self.client.post(f"/{path}:predict", json={"instances": X}).json()
        return document["predictions"][0][1] / EXPECTED[0][1] if "predictions" in document else document["error"]

    def states(self):
        answer = self.client.get("/dense").json()["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in answer}

    def metrics(self):
        return httpx.get(f"http://127.0.0.1:{self.server.rest_port}/metrics").text

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        assert condition(), (self.said, self.states())


@pytest.fixture
def served(tmp_path, versions):
    with Served(tmp_path, versions, 1) as served:
        yield served


def test_forward_and_back_without_a_lost_request(served):
    assert served.factor() == 1
    served.add(2)
    answers = []
    served.until(lambda: answers.append(served.factor()) or answers[-1] == 2)
    served.until(lambda: served.states() == {2: "AVAILABLE", 1: "END"})
    served.remove(2)
    served.until(lambda: answers.append(served.factor()) or answers[-1] == 1)
    served.until(lambda: served.states() == {2: "END", 1: "AVAILABLE"})
    assert set(answers) == {1, 2}
    assert served.said[:3] == [
        "dense: version 1 is served",
        "dense: version 2 is served",
        "dense: version 1 is unloaded",
    ]
    assert served.factor("dense/versions/2") == "Servable not found for request: Specific(dense, 2)"


def test_a_broken_version_leaves_the_old_one(served):
    broken = served.folder / "dense" / "5"
    graph = (served.versions / "2" / "saved_model.pb").read_bytes()
    temporary = shutil.copytree(served.versions / "2", broken.with_name("writing"))
    (temporary / "saved_model.pb").write_bytes(graph[:1000])
    temporary.rename(broken)
    served.until(lambda: served.states().get(5) == "END")
    assert served.factor() == 1
    status = served.client.get("/dense/versions/5").json()["model_version_status"][0]["status"]
    assert status["error_code"] == "DATA_LOSS"
    assert "saved_model.pb: damaged; export the model again" in status["error_message"]
    with grpc.insecure_channel(f"127.0.0.1:{served.server.grpc_port}") as channel:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "dense"
        response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request)
    assert [(entry.version, entry.state, entry.status.error_code) for entry in response.model_version_status] == [
        (5, get_model_status_pb2.ModelVersionStatus.END, 15),
        (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE, 0),
    ]
    time.sleep(3 * POLL)
    assert len([line for line in served.said if "cannot be loaded" in line]) == 1  # it is not tried again and again
    (broken / "saved_model.pb").write_bytes(graph)
    served.until(lambda: served.factor() == 2)  # until its files change


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        (lambda path: (path / "saved_model.pb").unlink(), "NOT_FOUND", "Could not find SavedModel .pb"),
        (lambda path: shutil.rmtree(path / "variables"), "NOT_FOUND", "variables"),
        (lambda path: (path / "metadata.json").write_text("{"), "DATA_LOSS", "metadata.json: damaged"),
        (lambda path: (path / "metadata.json").write_text("[" * 99_999), "DATA_LOSS", "metadata.json: damaged"),
        (lambda path: (path / "metadata.json").write_text("[]"), "DATA_LOSS", "a JSON object is expected, not list"),
        (
            lambda path: (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record" * 9),
            "DATA_LOSS",
            "",
        ),
        (
            lambda path: save_warmup(path, b"\xff\xff"),
            "INVALID_ARGUMENT",
            "Failed to parse warmup record 0",
        ),
    ],
    ids=["graph", "variables", "metadata", "metadata's depth", "metadata's kind", "warm-up file", "warm-up record"],
)
def test_kinds_of_damage(tmp_path, versions, damage, code, message):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        path = served.folder / "dense" / "2"
        shutil.copytree(versions / "2", path)
        damage(path)
        served.server.repository.poll()
        status = served.client.get("/dense/versions/2").json()["model_version_status"][0]
        assert (status["state"], status["status"]["error_code"]) == ("END", code)
        assert message in status["status"]["error_message"]
        assert served.factor() == 1


def save_warmup(path, record):
    with tf.io.TFRecordWriter(str(path / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(record)


def test_labels_keep_versions_loaded(served):
    labels = served.folder / "dense" / "labels.json"
    labels.write_text(json.dumps({"stable": 1}))
    served.until(lambda: served.factor("dense/labels/stable") == 1)
    served.add(2)
    served.until(lambda: served.states() == {1: "AVAILABLE", 2: "AVAILABLE"})
    assert (served.factor(), served.factor("dense/labels/stable"), served.factor("dense/versions/1")) == (2, 1, 1)
    served.add(3)
    served.until(lambda: served.states() == {1: "AVAILABLE", 2: "END", 3: "AVAILABLE"})
    labels.write_text(json.dumps({"stable": 2, "canary": 3}))
    served.until(lambda: served.states() == {1: "END", 2: "AVAILABLE", 3: "AVAILABLE"})
    assert (served.factor("dense/labels/stable"), served.factor("dense/labels/canary")) == (2, 3)
    labels.write_text("{")
    served.until(lambda: any("labels.json" in line for line in served.said))
    assert served.factor("dense/labels/stable") == 2  # they stay as they were
    labels.unlink()
    served.until(lambda: served.states()[2] == "END")
    assert served.factor("dense/labels/stable") == "Unrecognized servable version label: stable"


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (b"[" * 200_000, "recursion"),
        (b'{"a":' * 100_000, "recursion"),
        (b'{"stable": %s}' % (b"1" * 5000), "integer string conversion"),
        (b'{"stable": "1"}', "a mapping of labels to version numbers is expected"),
        (b'{"stable": true}', "a mapping of labels to version numbers is expected"),
        (b"\xff\xfe\x00", "can't decode byte"),
        (b"", "Expecting value"),
    ],
)
def test_bad_labels_of_one_model_keep_no_other_from_coming(tmp_path, versions, labels, reason):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        (served.folder / "dense" / "labels.json").write_bytes(labels)
        (served.folder / "zzz").mkdir()
        copy_version(versions / "3", served.folder / "zzz" / "3")
        served.add(2)
        for _ in range(2):
            served.server.repository.poll()
        assert (served.factor(), served.factor("zzz")) == (2, 3)
        (line,) = [line for line in served.said if "labels.json" in line]
        assert reason in line
        assert line.endswith("; the labels stay as they were")
        assert "\n" not in line


def test_whatever_goes_wrong_with_one_model_keeps_no_other_from_coming(tmp_path, versions, monkeypatch):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        real = repository.version_folders

        def one_fails(folder):
            if folder.name == "dense":
                raise PermissionError(13, "Permission denied")
            return real(folder)

        monkeypatch.setattr(repository, "version_folders", one_fails)
        (served.folder / "zzz").mkdir()
        copy_version(versions / "3", served.folder / "zzz" / "3")
        for _ in range(2):
            served.server.repository.poll()
        assert (served.factor(), served.factor("zzz")) == (1, 3)
        line = f"{served.folder / 'dense'}: [Errno 13] Permission denied; dense stays as it is"
        assert [said for said in served.said if "Permission" in said] == [line]


def test_which_names_are_versions():
    numbers = {"0": 0, "0012": 12, "000": 0, str(2**63 - 1): 2**63 - 1, "0" * 40 + "7": 7}
    assert {name: version_number(name) for name in numbers} == numbers
    others = ("", "-4", "+4", "1.5", " 1", "1_0", "x", "\u0663", "\u00b2", str(2**63), "9" * 23, "9" * 5000)
    assert [version_number(name) for name in others] == [None] * len(others)


def test_names_that_are_no_versions_are_told_in_one_line(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        for path in ("dense/v2", f"dense/{'9' * 60}", "dense/a", "dense/b", "dense/c", "dense/d", f"new/{2**63}"):
            (served.folder / path).mkdir(parents=True)
            (served.folder / path / "saved_model.pb").touch()
        for path in ("dense/assets", "notes/today", "dense/.writing"):
            (served.folder / path).mkdir(parents=True)
        for _ in range(2):
            served.server.repository.poll()
        start = "no versions, which are numbers from 0 to 9223372036854775807"
        assert [said for said in served.said if "no versions" in said] == [
            f"dense: {start}: '{'9' * 40}', 'a', 'b', 'c', 'd' and 1 more",
            f"new: {start}: '9223372036854775808'",
        ]


def test_models_come_and_go_and_odd_names_are_no_versions(served):
    for name in ("-4", "1.5", "latest", ".9", "8.tmp", str(2**63), "9" * 23):
        shutil.copytree(served.versions / "3", served.folder / "dense" / name)
    (served.folder / "dense" / "7").write_text("a file")
    shutil.copytree(served.versions / "3", served.folder / "other" / "0012")
    served.until(lambda: served.factor("other/versions/12") == 3)
    assert served.states() == {1: "AVAILABLE"}
    shutil.rmtree(served.folder / "other" / "0012")
    served.until(lambda: served.factor("other") == "Servable not found for request: Latest(other)")
    assert served.factor() == 1
    shutil.copytree(served.versions / "3", served.folder / "zero" / "0")
    served.until(lambda: served.factor("zero") == 3)


def test_a_folder_that_is_gone_for_a_moment_unloads_nothing(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        poll = served.server.repository.poll
        for path in (served.folder, served.folder / "dense"):
            path.rename(tmp_path / "away")
            poll()
            poll()
            assert served.factor() == 1
            (tmp_path / "away").rename(path)
            poll()
        line = f"{served.folder / 'dense'}: no such folder; dense stays as it is"
        assert served.said == ["dense: version 1 is served", line, line]


def test_an_old_version_ends_after_its_requests(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        repository = served.server.repository
        served.add(2)
        with repository.use("dense") as borrowed:
            repository.poll()
            assert served.states() == {1: "UNLOADING", 2: "AVAILABLE"}
            assert served.factor() == 2
            arrays = {"x": np.array(X, np.float32)}
            future = borrowed.servable.submit(borrowed.servable.signatures["serving_default"], arrays)
            assert future.result()["y"].tolist() == EXPECTED
        repository.poll()
        assert served.states() == {1: "END", 2: "AVAILABLE"}


def test_a_request_that_does_not_end_keeps_nothing_from_coming_and_going(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60, grace_seconds=0.1) as served:
        repository = served.server.repository
        with repository.use("dense"):
            served.add(2)
            repository.poll()
            served.add(3)
            repository.poll()
            assert served.states() == {1: "UNLOADING", 2: "END", 3: "AVAILABLE"}
            assert served.factor() == 3
            served.server.stop()
            assert repository.status("dense")[0].state == "END"
            assert repository.status("dense", 1)[0].state == "UNLOADING"


def test_a_folder_that_cannot_be_read_for_a_moment_does_not_end_the_looking(tmp_path, versions, monkeypatch):
    with Served(tmp_path, versions, 1, poll_seconds=0.01) as served:
        poll, left = served.server.repository.poll, [RuntimeError("odd"), PermissionError("not now")]
        monkeypatch.setattr(served.server.repository, "poll", lambda: poll() if not left else _raise(left.pop()))
        served.add(2)
        served.until(lambda: served.factor() == 2)
        assert [line for line in served.said if "not now" in line or "odd" in line]


def _raise(error):
    raise error


def test_readers_of_the_metrics_do_not_disturb_each_other(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        with ThreadPoolExecutor(8) as readers:
            pages = list(readers.map(lambda _: served.server.metrics.page().decode(), range(200)))
        assert all('kerazoo_versions_loaded{model="dense"} 1.0' in page for page in pages)


def test_the_memory_of_an_unloaded_version_returns(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        module = weakref.ref(served.server.repository.available()[0].servable._module)
        served.add(2)
        served.server.repository.poll()
        assert module() is None


def test_warm_up_runs_before_the_switch(tmp_path, versions):
    with Served(tmp_path, versions, 1, poll_seconds=60) as served:
        assert 'kerazoo_batch_rows_count{model="dense",signature="serving_default"} 1.0' in served.metrics()
        assert served.factor() == 1
        assert 'kerazoo_batch_rows_count{model="dense",signature="serving_default"} 2.0' in served.metrics()
