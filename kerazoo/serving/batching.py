"""Batching: requests that wait at the same time are joined into one run of the model.

Tasks of one key (signature, dtypes, inner shapes) are joined along the first axis up to `max_batch_size` rows, or those
that have come when the first has waited for `timeout` seconds. While a batch runs, the next one gathers. Runs of one
key take at most half of the threads, so that long ones do not hold up the model's other signatures. A request of more
rows runs in parts of that size, so that memory does not grow with it.
"""

import threading
import time
import weakref
from collections import Counter, OrderedDict

import numpy as np

from kerazoo.serving.answers import Stop
from kerazoo.serving.errors import Code, RequestError, from_exception
from kerazoo.serving.queues import Queue, Task
from kerazoo.serving.signatures import split_rows

FULL = "The batch scheduling queue to which this task was submitted is full"


class Batcher:
    """Runs a model's requests on its own threads, joined where they can be.

    Args:
        run: callable. `run(signature, arrays, stop)` gives the outputs, a dict of str to numpy.ndarray; it may end
            early when the Stop says that nobody waits for them.
        max_batch_size: int. Rows of one run, at most. A request of more rows runs alone, in parts of this size.
        join: bool. Whether requests are joined. Defaults to True.
        max_length: int. Rows of a run times the length of the longest one, at most; one row always runs. Defaults to
            8192.
        max_bytes: int. Bytes of an answer, at most; requests that wait may have eight times as many. Defaults to 16 MB.
        timeout: float. Seconds that the first request of a batch waits for others.
        threads: int. Runs at the same time; half as many for one key. Defaults to 1.
        capacity: int. Requests that may wait; more are refused with UNAVAILABLE. Defaults to 1024.
        observe: callable. `observe(signature_name, rows)` before each run. Defaults to doing nothing.
        name: str. Prefix of the threads' names.
    """

    def __init__(
        self,
        run,
        *,
        max_batch_size=64,
        join=True,
        max_length=8192,
        max_bytes=16 << 20,
        timeout=0.001,
        threads=1,
        capacity=1024,
        observe=lambda *_: None,
        name="batch",
    ):
        self.run, self.max_batch_size, self.timeout, self.capacity = run, max_batch_size, timeout, capacity
        self.join, self.max_length, self.max_bytes, self.observe = join, max_length, max_bytes, observe
        self._queues = OrderedDict()  # the next key to be served is first
        self._running, self._most = Counter(), max(1, threads // 2)  # runs of each key: now, and at most
        self._waiting = self._waiting_bytes = 0
        self._closed = False
        self._unsplit = set()  # signatures whose outputs proved not to be rows
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self):
        """int. Requests in the queue."""
        return self._waiting

    def submit(self, signature, arrays, deadline=None):
        """Queue a checked request.

        Args:
            signature: Signature.
            arrays: dict of str to numpy.ndarray, from `signature.check`.
            deadline: float or None. `time.monotonic()` after which the request is not run. Defaults to None.

        Returns:
            concurrent.futures.Future of a dict of str to numpy.ndarray. Cancelling it frees its place in the queue.

        Raises:
            RequestError: UNAVAILABLE; the queue is full or closed.
        """
        rows = signature.rows(arrays) if signature.name not in self._unsplit else None
        task = Task(signature, arrays, rows, deadline, self.join)
        with self._changed:
            if self._closed:
                raise RequestError(Code.UNAVAILABLE, "the server is shutting down")
            full = self._waiting >= self.capacity or self._waiting_bytes + task.bytes > 8 * self.max_bytes
            if full:
                raise RequestError(Code.UNAVAILABLE, FULL)
            fresh = task.key not in self._queues
            queue = self._queues.setdefault(task.key, Queue())
            queue.push(task)
            self._count(task, 1)
            if fresh or queue.rows >= self.max_batch_size:  # else a thread is waiting for this batch's timeout already
                self._changed.notify()
        # Held weakly: a cycle of task, future and callback would keep the arrays until some garbage collection.
        held = weakref.ref(task)
        task.future.add_done_callback(lambda future: self._forget(held()) if future.cancelled() else None)
        return task.future

    def close(self):
        """Run what waits, refuse more, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _forget(self, task):
        with self._changed:
            queue = self._queues.get(task.key) if task else None
            if queue is not None and task in queue.tasks:
                queue.remove(task)
                self._count(task, -1)
                if not queue.tasks:
                    del self._queues[task.key]

    def _work(self):
        while tasks := self._next():
            key = tasks[0].key
            self._execute(tasks)
            del tasks  # an idle thread must not hold the last request's arrays
            self._finish(key)

    def _finish(self, key):
        with self._changed:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
            if key in self._queues:
                self._changed.notify()

    def _next(self):
        """Wait for the tasks of the next run; an empty list when the batcher is closed and drained."""
        with self._changed:
            while True:
                wait = None
                for key, queue in self._queues.items():
                    if self._running[key] >= self._most:
                        continue
                    due = queue.tasks[0].since + self.timeout - time.monotonic()
                    if not queue.tasks[0].joined or queue.rows >= self.max_batch_size or due <= 0 or self._closed:
                        return self._take(key, queue)
                    wait = due if wait is None else min(wait, due)
                if self._closed:
                    return []
                self._changed.wait(wait)

    def _take(self, key, queue):
        tasks = queue.take(self._rows_of_run)
        self._running[key] += 1
        for task in tasks:
            self._count(task, -1)
        del self._queues[key]
        if queue.tasks:  # after the other keys
            self._queues[key] = queue
            self._changed.notify()
        return tasks

    def _execute(self, tasks):
        live = []
        for task in tasks:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                task.check()
                live.append(task)
            except RequestError as error:
                task.future.set_exception(error)
        if len(live) == 1 or not self._execute_joined(live):
            for task in live:
                self._execute_alone(task)

    def _execute_alone(self, task):
        try:
            outputs = self._outputs(task)
        except Exception as error:
            task.future.set_exception(from_exception(error).with_traceback(None))  # the error's frames hold the arrays
        else:
            task.future.set_result(outputs)

    def _outputs(self, task):
        """Run one request, in parts where it has more rows than a run may have."""
        stop, step, found = Stop.when_all_are_gone([task.future]), self._rows_of_run(task.length), []
        if task.rows is None or task.rows <= step:
            return self._run(task.signature, task.arrays, task.rows or 1, stop)
        size = 0
        for start in range(0, task.rows, step):
            task.check()
            part = {name: array[start : start + step] for name, array in task.arrays.items()}
            rows = min(step, task.rows - start)
            found.append(self._run(task.signature, part, rows, stop))
            if split_rows(found[-1], [rows]) is None:  # not rows: only the whole request gives the answer
                self._unsplit.add(task.signature.name)
                return self._run(task.signature, task.arrays, task.rows, stop)
            size += _bytes(found[-1])
            self._check_size(size)
        return {name: np.concatenate([outputs[name] for outputs in found]) for name in found[0]}

    def _run(self, signature, arrays, rows, stop):
        self.observe(signature.name, rows)
        outputs = self.run(signature, arrays, stop)
        self._check_size(_bytes(outputs))
        return outputs

    def _check_size(self, size):
        if size > self.max_bytes:
            most = f"{self.max_bytes >> 20} MB (option --max-request-mb)"
            raise RequestError(Code.RESOURCE_EXHAUSTED, f"the answer has more than {most}: ask for less at a time")

    def _rows_of_run(self, length):
        return max(1, min(self.max_batch_size, self.max_length // length))

    def _count(self, task, sign):
        self._waiting += sign
        self._waiting_bytes += sign * task.bytes

    def _execute_joined(self, tasks):
        """Run several tasks as one; False where they must run one by one, so that an error hits its own request."""
        if not tasks:
            return True
        signature = tasks[0].signature
        arrays = {name: np.concatenate([task.arrays[name] for task in tasks]) for name in signature.inputs}
        try:
            self.observe(signature.name, sum(task.rows for task in tasks))
            stop = Stop.when_all_are_gone([task.future for task in tasks])
            parts = split_rows(self.run(signature, arrays, stop), [task.rows for task in tasks])
        except Exception:
            return False
        if parts is None:
            self._unsplit.add(signature.name)
            return False
        for task, part in zip(tasks, parts, strict=True):
            task.future.set_result(part)
        return True


def _bytes(outputs):
    return sum(array.nbytes for array in outputs.values())
