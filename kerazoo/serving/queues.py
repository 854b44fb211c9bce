"""Requests that wait for their run, in the order in which they came."""

import time
from collections import deque

from kerazoo.serving.answers import Answer
from kerazoo.serving.errors import Code, RequestError


class Task:
    """A request that waits for its run.

    Args:
        signature: Signature.
        arrays: dict of str to numpy.ndarray, checked.
        rows: int or None. The size of its batch; None where the arrays are not one batch.
        deadline: float or None. `time.monotonic()` after which nobody waits for it.
        join: bool. Whether it may run together with others.

    Attributes:
        joined: bool. Whether it may run together with others of its `key`.
        length: int. Of its longest row, as `Signature.length`.
        bytes: int. Of its arrays.
        future: Answer.
    """

    def __init__(self, signature, arrays, rows, deadline, join):
        self.signature, self.arrays, self.rows, self.deadline = signature, arrays, rows, deadline
        self.joined = join and rows is not None
        self.length = signature.length(arrays)
        self.bytes = sum(array.nbytes for array in arrays.values())
        self.future = Answer()
        self.since = time.monotonic()
        self.key = object()  # a run by itself
        if self.joined:
            shapes = tuple((name, array.dtype.str, array.shape[1:]) for name, array in sorted(arrays.items()))
            self.key = (signature.name, shapes)

    def check(self):
        """Raise a `RequestError` if nobody waits any more."""
        if self.future.gone:
            raise RequestError(Code.CANCELLED, "the client has cancelled the call")
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise RequestError(Code.DEADLINE_EXCEEDED, "Deadline Exceeded")


class Queue:
    """The waiting tasks of one key."""

    def __init__(self):
        self.tasks, self.rows = deque(), 0

    def push(self, task):
        """Append a task."""
        self.tasks.append(task)
        self.rows += task.rows or 0

    def remove(self, task):
        """Take a task out, wherever it stands."""
        self.tasks.remove(task)
        self.rows -= task.rows or 0

    def take(self, rows_of_run):
        """The tasks from the front that fit into one run of `rows_of_run(length)` rows, at least one."""
        taken = [self.tasks.popleft()]
        rows, longest = taken[0].rows or 0, taken[0].length
        while taken[0].joined and self.tasks:
            longest = max(longest, self.tasks[0].length)
            if rows + self.tasks[0].rows > rows_of_run(longest):
                break
            taken.append(self.tasks.popleft())
            rows += taken[-1].rows
        self.rows -= rows
        return taken
