"""The answer that a request waits for, and the word that nobody waits any more."""

import threading
from concurrent.futures import Future


class Answer(Future):
    """A Future that remembers being given up, also while its request runs.

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
        self._told = _nothing  # which would hold this answer in a cycle
        super().set_result(result)

    def set_exception(self, exception):
        self._told = _nothing
        super().set_exception(exception)

    def when_gone(self, callback):
        """Call `callback` when the answer is given up; at once where it is already."""
        self._told = callback
        if self.gone:
            callback()


class Stop:
    """Tells a run that nobody waits for its answers any more."""

    def __init__(self):
        self._asked, self._callbacks, self._lock = False, [], threading.Lock()

    @classmethod
    def when_all_are_gone(cls, answers):
        """A Stop that is asked for when the last one of some Answers is given up."""
        stop = cls()
        for answer in answers:
            answer.when_gone(lambda: stop.ask() if all(one.gone for one in answers) else None)
        return stop

    def ask(self):
        """Ask for the end; each callback is called once."""
        with self._lock:
            self._asked, callbacks, self._callbacks = True, self._callbacks, []
        for callback in callbacks:
            callback()

    def then(self, callback):
        """Call `callback` when the end is asked for; at once where it was already."""
        with self._lock:
            if not self._asked:
                self._callbacks.append(callback)
                return
        callback()


def _nothing():
    """What is told to nobody."""
