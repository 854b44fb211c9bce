"""Requests that wait at the same time run as one: that batches form, and that answers do not depend on them."""

import gc
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest

from kerazoo.serving.batching import FULL, Batcher
from kerazoo.serving.errors import Code, RequestError
from kerazoo.serving.servable import Servable
from kerazoo.serving.signatures import Signature, Spec
from tests.serving_models import WEIGHTS, saved_models, until
from tests.test_zoo import new

ROWS = Signature("rows", {"x": Spec("float", (None, None))}, {"y": Spec("float", (None,))})
SCALAR = Signature("scalar", {"x": Spec("float", ())}, {"y": Spec("float", ())})


class Model:
    """Sums rows, one run after the other; the first run waits for `go`."""

    def __init__(self, **options):
        self.runs, self.go, self.entered = [], threading.Event(), threading.Event()
        self.batcher = Batcher(self.run, **{"max_batch_size": 8, "timeout": 0.0, **options})

    def run(self, signature, arrays, stop):
        self.entered.set()
        assert self.go.wait(10)
        self.runs.append(arrays["x"].shape)
        if np.any(arrays["x"] == -1):
            raise RequestError(Code.INVALID_ARGUMENT, "minus one")
        return {"y": arrays["x"].sum(-1)} if signature is ROWS else {"y": arrays["x"]}

    def submit(self, rows, width=2, value=1.0, signature=ROWS, deadline=None):
        shape = (rows, width) if signature is ROWS else ()
        return self.batcher.submit(signature, {"x": np.full(shape, value, np.float32)}, deadline)

    def occupied(self):
        """With one request running, so that all that follows waits."""
        self.first = self.submit(1, 1)
        assert self.entered.wait(10)
        return self


@pytest.fixture
def model():
    model = Model().occupied()
    yield model
    model.go.set()
    model.batcher.close()


class TestBatcher:
    def test_joined_up_to_the_size(self, model):
        futures = [model.submit(3, value=i) for i in range(5)]
        model.go.set()
        for i, future in enumerate(futures):
            assert future.result(10)["y"].tolist() == [2 * i] * 3
        assert model.runs == [(1, 1), (6, 2), (6, 2), (3, 2)]

    def test_other_shapes_and_signatures_run_apart(self, model):
        futures = [model.submit(1), model.submit(2, width=3), model.submit(1), model.submit(2, width=3)]
        scalars = [model.submit(0, signature=SCALAR, value=i) for i in range(2)]
        model.go.set()
        assert [future.result(10)["y"].tolist() for future in futures] == [[2], [3, 3], [2], [3, 3]]
        assert [float(future.result(10)["y"]) for future in scalars] == [0, 1]
        assert sorted(model.runs[1:]) == [(), (), (2, 2), (4, 3)]

    def test_a_request_larger_than_a_batch_and_an_empty_one(self, model):
        futures = [model.submit(1), model.submit(20), model.submit(1), model.submit(0)]
        model.go.set()
        assert [len(future.result(10)["y"]) for future in futures] == [1, 20, 1, 0]
        assert model.runs[2:-1] == [(8, 2), (8, 2), (4, 2)]  # it runs in parts
        assert model.runs[-1] == (1, 2)  # joined with the empty one

    def test_a_long_run_holds_up_its_own_key_alone(self):
        model = Model(threads=4)
        model.go.set()
        entered, go = threading.Semaphore(0), threading.Event()
        run = model.run

        def slow(signature, arrays, stop):
            if arrays["x"].shape[-1:] == (2,):
                entered.release()
                assert go.wait(10)
            return run(signature, arrays, stop)

        model.batcher.run = slow
        first = []
        for _ in range(2):  # half of the threads
            first.append(model.submit(8))
            assert entered.acquire(timeout=10)
        waiting = [model.submit(3), model.submit(3)]
        assert model.submit(1, width=3).result(10)["y"].tolist() == [3]
        assert float(model.submit(0, signature=SCALAR).result(10)["y"]) == 1
        assert not entered.acquire(blocking=False)
        go.set()
        assert [len(future.result(10)["y"]) for future in [*first, *waiting]] == [8, 8, 3, 3]
        assert (6, 2) in model.runs  # what waited was joined
        model.batcher.close()

    def test_an_error_stays_with_its_request(self, model):
        futures = [model.submit(1), model.submit(1, value=-1.0), model.submit(1)]
        model.go.set()
        assert [futures[i].result(10)["y"].tolist() for i in (0, 2)] == [[2], [2]]
        with pytest.raises(RequestError, match="minus one"):
            futures[1].result(10)
        assert model.submit(1).result(10)

    def test_cancelled_requests_leave_the_queue(self, model):
        futures = [model.submit(1) for _ in range(3)]
        assert model.batcher.waiting == 3
        assert futures[1].cancel()
        assert model.batcher.waiting == 2
        model.go.set()
        assert futures[2].result(10)
        assert model.runs == [(1, 1), (2, 2)]
        with pytest.raises(CancelledError):
            futures[1].result(10)

    def test_an_expired_request_is_not_run(self, model):
        late = model.submit(1, deadline=time.monotonic() + 0.01)
        time.sleep(0.02)
        model.go.set()
        with pytest.raises(RequestError) as error:
            late.result(10)
        assert error.value.code is Code.DEADLINE_EXCEEDED
        assert model.submit(1).result(10)
        assert model.runs == [(1, 1), (1, 2)]

    def test_a_full_queue_refuses(self):
        model = Model(capacity=2).occupied()
        futures = [model.submit(1), model.submit(1)]
        with pytest.raises(RequestError, match=FULL) as error:
            model.submit(1)
        assert error.value.code is Code.UNAVAILABLE
        model.go.set()
        assert all(future.result(10) for future in futures)
        model.batcher.close()
        with pytest.raises(RequestError, match="shutting down"):
            model.submit(1)

    def test_the_first_request_waits_for_others_only_so_long(self):
        model = Model(timeout=0.2)
        model.go.set()
        began = time.monotonic()
        alone = model.submit(1)
        assert alone.result(10)
        assert time.monotonic() - began >= 0.2
        futures = [model.submit(4), model.submit(4)]  # a full batch does not wait
        began = time.monotonic()
        assert all(future.result(10) for future in futures)
        assert time.monotonic() - began < 0.2
        assert model.runs == [(1, 2), (8, 2)]
        model.batcher.close()

    def test_without_batching_each_runs_alone(self):
        model = Model(join=False).occupied()
        futures = [model.submit(2) for _ in range(3)]
        model.go.set()
        assert all(future.result(10) for future in futures)
        assert model.runs == [(1, 1), (2, 2), (2, 2), (2, 2)]
        model.batcher.close()

    @pytest.mark.parametrize("join", [False, True])
    @pytest.mark.parametrize("value", [1.0, -1.0])  # -1 is an error
    def test_nothing_is_kept_of_an_answered_request(self, join, value):
        model = Model(join=join)
        model.go.set()
        gc.disable()
        try:
            x = np.full((2, 2), value, np.float32)
            held, future = weakref.ref(x), model.batcher.submit(ROWS, {"x": x})
            del x
            assert (future.exception(10) is None) == (value > 0)
            until(lambda: held() is None)
        finally:
            gc.enable()
        model.batcher.close()

    def test_outputs_that_are_no_rows_are_not_split(self):
        runs = []

        def run(signature, arrays, stop):
            runs.append(len(arrays["x"]))
            time.sleep(0.01)
            return {"y": arrays["x"].sum(keepdims=True)[0]}  # one row whatever comes in

        batcher = Batcher(run, timeout=0.05)
        futures = [batcher.submit(ROWS, {"x": np.full((2, 1), i, np.float32)}) for i in range(3)]
        assert [float(future.result(10)["y"].item()) for future in futures] == [0, 2, 4]
        assert runs == [6, 2, 2, 2]
        futures = [batcher.submit(ROWS, {"x": np.full((2, 1), i, np.float32)}) for i in range(3)]
        assert [float(future.result(10)["y"].item()) for future in futures] == [0, 2, 4]
        assert runs[4:] == [2, 2, 2]  # it is not tried again
        batcher.close()


class TestServable:
    def test_joined_and_alone_give_the_same(self):
        x = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
        parts = np.split(x, [1, 4, 9, 12, 20, 21, 33])
        rows = []
        joined = Servable(saved_models() / "dense" / "1", timeout=0.3, observe=lambda name, count: rows.append(count))
        with ThreadPoolExecutor(len(parts)) as pool:
            futures = pool.map(lambda part: self.predict(joined, part), parts)
            answers = list(futures)
        assert rows == [2, 40]  # the warm-up request, then all together
        alone = Servable(saved_models() / "dense" / "1", join=False)
        for part, answer in zip(parts, answers, strict=True):
            np.testing.assert_allclose(answer, self.predict(alone, part), rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(answer, part @ WEIGHTS, rtol=1e-5, atol=1e-6)
        joined.close()
        alone.close()

    def test_rows_of_one_batch_see_the_same_run(self):
        servable = Servable(saved_models() / "dense" / "1", timeout=0.2)
        signature = servable.signatures["counted"]
        futures = [servable.submit(signature, {"x": np.zeros(n, np.float32)}) for n in (1, 2, 3)]
        assert [future.result(10)["run"].tolist() for future in futures] == [[1], [1, 1], [1, 1, 1]]
        servable.close()

    def test_which_signatures_can_be_joined(self):
        servable = Servable(saved_models() / "mixed" / "3")
        joined = {name for name, signature in servable.signatures.items() if signature.batchable}
        assert servable.signatures.keys() - joined == {"sample", "split", "total"}
        servable.close()

    def test_an_answer_does_not_depend_on_longer_neighbours(self):
        servable = Servable(saved_models() / "mixed" / "3", timeout=0.2)
        texts = (b"ab", b"abcdef")
        futures = [servable.submit(servable.signatures["split"], {"text": np.array([t], object)}) for t in texts]
        assert [future.result(10)["letters"].shape for future in futures] == [(1, 2), (1, 6)]
        servable.close()

    def test_one_bad_token_fails_alone(self):
        servable = Servable(saved_models() / "mixed" / "3", timeout=0.2)
        signature = servable.signatures["embed"]
        futures = [servable.submit(signature, {"tokens": np.array([[token]], np.int32)}) for token in (1, 50, 3)]
        assert [futures[i].result(10)["value"].tolist() for i in (0, 2)] == [[1], [3]]
        with pytest.raises(RequestError, match=r"indices\[0,0\] = 50 is not in \[0, 10\)"):
            futures[1].result(10)
        servable.close()

    def test_a_row_draws_by_its_own_seed_whatever_runs_beside_it(self, tmp_path):
        """TensorFlow adds its numbers up in another order where there are more rows, which the last bits show."""
        new("vae").export(tmp_path / "1")
        rng = np.random.default_rng(0)
        images, seeds = rng.random((40, 16, 16, 1), np.float32), rng.integers(2**31 - 1, size=40, dtype=np.int32)
        scores = {}
        for join in (True, False):
            runs = []
            servable = Servable(
                tmp_path / "1", join=join, timeout=0.3, observe=lambda _, rows, to=runs: to.append(rows)
            )
            score = servable.signatures["score"]
            requests = [{"images": images[i : i + 1], "seed": seeds[i : i + 1]} for i in range(40)]
            with ThreadPoolExecutor(8) as pool:
                futures = list(pool.map(lambda request, of=servable, to=score: of.submit(to, request), requests))
            scores[join] = np.concatenate([future.result(10)["nats"] for future in futures])
            assert (max(runs) > 8) == join
            alone = np.concatenate([servable.run(score, request)["nats"] for request in requests])
            other = servable.run(score, {"images": images, "seed": seeds + 1})["nats"]
            servable.close()
        assert np.array_equal(scores[False], alone)  # the same bytes, from any thread
        np.testing.assert_allclose(scores[True], alone, rtol=1e-6)
        assert np.abs(other / alone - 1).min() > 1e-5  # other draws show

    def predict(self, servable, x):
        return servable.submit(servable.signatures["serving_default"], {"x": x}).result(10)["y"]
