"""The answer that a request waits for, and the signal that nobody waits for it any more."""

import threading
from concurrent.futures import Future


class Answer(Future):
    """A Future that remembers being given up, even while its request runs.

    Attributes:
        gone: bool. Whether `cancel` was called.
    """

    def __init__(self):
        super().__init__()
        self.gone = False
        self._told = _nothing

    def cancel(self):
        self.gone = True
        self._told()
        return super().cancel()

    def set_result(self, result):
        self._told = _nothing  # the callback would hold this answer in a cycle
        super().set_result(result)

    def set_exception(self, exception):
        self._told = _nothing
        super().set_exception(exception)

    def when_gone(self, callback):
        """Call `callback` when the answer is given up; at once if it has been already."""
        self._told = callback
        if self.gone:
            callback()


class Stop:
    """Tells a run that nobody waits for its answers any more."""

    def __init__(self):
        self._asked, self._callbacks, self._lock = False, [], threading.Lock()

    @classmethod
    def when_all_are_gone(cls, answers):
        """A Stop that is requested when the last one of some Answers is given up."""
        stop = cls()
        for answer in answers:
            answer.when_gone(lambda: stop.ask() if all(one.gone for one in answers) else None)
        return stop

    def ask(self):
        """Request the end; each callback is called once."""
        with self._lock:
            self._asked, callbacks, self._callbacks = True, self._callbacks, []
        for callback in callbacks:
            callback()

    def then(self, callback):
        """Call `callback` when the end is requested; at once if it has been already."""
        with self._lock:
            if not self._asked:
                self._callbacks.append(callback)
                return
        callback()


def _nothing():
    """The callback of an answer that nobody watches."""
