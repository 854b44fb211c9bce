"""The models of a folder: loaded versions, which come and go while requests run."""

import contextlib
import gc
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from kerazoo.serving.errors import Code, RequestError, from_exception, invalid
from kerazoo.serving.folders import check_folder, model_names, stamp_of, version_folders
from kerazoo.serving.versions import AVAILABLE, END, LARGEST, LOADING, UNLOADING, Version

LABELS = "labels.json"
_SHOWN, _SHOWN_NAMES = 40, 5  # characters of a name, and names, in one line


@dataclass
class _Model:
    versions: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)


class Repository:
    """Keeps the newest version of each model of a folder loaded, and the versions that have labels.

    Args:
        folder: str or Path. Holds `MODEL/VERSION/`; `MODEL/labels.json` maps labels to versions.
        load: callable. `load(path, name)` gives a Servable, or raises.
        labels: dict or None. Model -> label -> version; overrides `labels.json`. Defaults to None.
        say: callable. Called with a line for each load and unload. Defaults to doing nothing.

    Raises:
        ServingError: the folder is missing or holds no model.
    """

    def __init__(self, folder, load, *, labels=None, say=lambda line: None):
        self.folder, self.load, self.say = Path(folder), load, say
        self.fixed_labels = labels or {}
        self.models = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._leaving = []
        self._warned = {}
        check_folder(self.folder)

    def poll(self):
        """Look at the folder once: load what is new, switch, unload what is no longer wanted. One thread at a time.

        A model whose own folder is missing stays as it is, as with TensorFlow Serving: its disk may be missing for a
        moment. A folder without versions unloads it. An error with one model does not keep the others from loading.
        """
        names = model_names(self.folder)
        for name in sorted(self.models.keys() - names):
            self._warn(self.folder / name, f"{self.folder / name}: no such folder; {name} stays as it is")
        for name in sorted(names):
            try:
                self._look_at(name)
                self._warned.pop(self.folder / name, None)
            except Exception as error:
                self._warn(self.folder / name, f"{self.folder / name}: {_one_line(error)}; {name} stays as it is")
        self._unload_idle()

    def _look_at(self, name):
        """Poll one model."""
        folder = self.folder / name
        paths, others = version_folders(folder)
        if others:
            shown = ", ".join(repr(other[:_SHOWN]) for other in others[:_SHOWN_NAMES])
            more = f" and {len(others) - _SHOWN_NAMES} more" if len(others) > _SHOWN_NAMES else ""
            self._warn((folder, "names"), f"{name}: no versions, which are numbers from 0 to {LARGEST}: {shown}{more}")
        else:
            self._warned.pop((folder, "names"), None)
        if not paths and name not in self.models:
            return
        with self._lock:
            model = self.models.setdefault(name, _Model())
            labels = self._labels(name, model.labels)
        self._update(name, model, paths, labels)

    def use(self, name, version=None, label=None):
        """Borrow a loaded version: a context manager that gives a `Version`, which is not unloaded meanwhile.

        Args:
            name: str.
            version: int or None. Defaults to None: the newest.
            label: str or None. Defaults to None.

        Raises:
            RequestError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """
        with self._lock:
            found = self._find(name, version, label)
            found.users += 1
        return self._borrowed(found)

    @contextlib.contextmanager
    def _borrowed(self, version):
        try:
            yield version
        finally:
            with self._idle:
                version.users -= 1
                self._idle.notify_all()

    def status(self, name, version=None, label=None):
        """All versions of a model seen so far, newest first, or the one asked for.

        Raises:
            RequestError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """
        with self._lock:
            model = self.models.get(name, _Model())
            if label is not None:
                version = _labelled(model, label)
            if version is not None and version not in model.versions:
                raise RequestError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
            if not model.versions:
                raise RequestError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
            numbers = sorted(model.versions, reverse=True) if version is None else [version]
            return [model.versions[number] for number in numbers]

    def labels_of(self, name):
        """The labels of a model: dict of str to int."""
        with self._lock:
            return dict(self.models[name].labels)

    def available(self):
        """The loaded versions: list of Version."""
        with self._lock:
            versions = [version for model in self.models.values() for version in model.versions.values()]
        return [version for version in versions if version.state == AVAILABLE]

    def close(self, seconds=None):
        """Unload everything once its requests have ended; wait for at most this many seconds (None: no limit)."""
        self._retire(self.available())
        with self._idle:
            self._idle.wait_for(lambda: not any(version.users for version in self._leaving), seconds)
        self._unload_idle()

    def _find(self, name, number, label):
        if not name:
            raise invalid("ModelSpec has no name specified.")
        model = self.models.get(name, _Model())
        if label:
            number = _labelled(model, label)
        loaded = [n for n, version in model.versions.items() if version.state == AVAILABLE]
        asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
        if not loaded or number not in (None, *loaded):
            raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
        return model.versions[max(loaded) if number is None else number]

    def _labels(self, name, before):
        path = self.folder / name / LABELS
        labels = {}
        if path.is_file():
            try:
                labels = json.loads(path.read_text(encoding="utf-8"))
                if not isinstance(labels, dict) or not all(type(number) is int for number in labels.values()):
                    raise ValueError("a mapping of labels to version numbers is expected")
            except (OSError, ValueError, RecursionError) as error:
                self._warn(path, f"{path}: {_one_line(error)}; the labels stay as they were")
                return before
        self._warned.pop(path, None)
        return {**labels, **self.fixed_labels.get(name, {})}

    def _update(self, name, model, paths, labels):
        """Bring one model to what its folder asks for. New versions are loaded before old ones go."""
        wanted = {number for number in labels.values() if number in paths and self._loaded(name, model, number, paths)}
        for number in sorted(paths, reverse=True):
            if self._loaded(name, model, number, paths):
                wanted.add(number)
                break  # if a newer one is broken, this one goes on serving
        with self._lock:
            model.labels = labels
            unwanted = [v for n, v in model.versions.items() if n not in wanted and v.state == AVAILABLE]
        self._retire(unwanted)

    def _loaded(self, name, model, number, paths):
        """Whether a version is in memory, after trying to load it if it is new or its files have changed."""
        version = model.versions.get(number)
        if version is not None and version.state == AVAILABLE:
            return True
        stamp = stamp_of(paths[number])
        if version is not None and version.code is not Code.OK and version.stamp == stamp:
            return False  # still broken
        version = Version(name, number, LOADING, stamp=stamp)
        with self._lock:
            model.versions[number] = version
        try:
            servable = self.load(paths[number], name)
        except Exception as error:
            error = from_exception(error)
            with self._lock:
                version.state, version.code, version.message = END, error.code, str(error)
            self.say(f"{name}: version {number} cannot be loaded: {_one_line(error)}")
            return False
        with self._lock:
            version.servable, version.state = servable, AVAILABLE
        self.say(f"{name}: version {number} is served")
        return True

    def _retire(self, versions):
        """Give these versions to no new request. They stay in memory while requests run on them; this does not wait."""
        with self._lock:
            for version in versions:
                version.state = UNLOADING
            self._leaving += versions

    def _unload_idle(self):
        """Unload the retired versions that no request runs on any more."""
        with self._lock:
            idle = [version for version in self._leaving if version.users == 0]
            self._leaving = [version for version in self._leaving if version.users]
        for version in idle:
            servable, version.servable = version.servable, None
            servable.close()
            version.state = END
            self.say(f"{version.model}: version {version.number} is unloaded")
        if idle:
            gc.collect()  # a loaded model is full of reference cycles

    def _warn(self, path, line):
        if self._warned.get(path) != line:
            self._warned[path] = line
            self.say(line)


def _labelled(model, label):
    if label not in model.labels:
        raise invalid(f"Unrecognized servable version label: {label}")
    return model.labels[label]


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
