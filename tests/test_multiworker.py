"""Two worker processes on this machine train like one."""

import json
import socket

import numpy as np
import pytest

from tests.conftest import TINY_OPTIONS, finish, python, state


def free_ports(num):
    sockets = [socket.socket() for _ in range(num)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.slow
def test_two_workers_train_like_one_process(tmp_path):
    command = ["-m", "kerazoo.cli", "train", "dcgan", *TINY_OPTIONS, "--steps=6", "--out"]
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for index in range(2):
        cluster = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        environment = {"TF_CONFIG": json.dumps(cluster)}
        processes.append(python(*command, tmp_path / "two", "--strategy=multiworker", env=environment))
    processes.append(python(*command, tmp_path / "one"))
    for process in processes:
        status, _, errors = finish(process, timeout=300)
        assert status == 0, errors
    assert not list(tmp_path.glob(".*"))  # the second worker's files are gone
    one, two = state(tmp_path / "one"), state(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in (name for name in one if name.startswith("weights")):
        np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)
