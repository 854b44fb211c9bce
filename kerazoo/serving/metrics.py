"""Metrics of a server for Prometheus."""

import collections
import time

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kerazoo.serving.errors import Code

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_LABELS = ("model", "method", "entrypoint")


class Metrics:
    """Counters of one server.

    Args:
        repository: callable. Returns the Repository, whose queues and versions are read when Prometheus asks.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, repository):
        self.repository = repository
        self.registry = CollectorRegistry()
        self.requests = self._make(Counter, "requests", "Requests answered, by gRPC status code", (*_LABELS, "code"))
        self.seconds = self._make(Histogram, "request_seconds", "Time to answer", _LABELS, buckets=_SECONDS)
        self.rows = self._make(Histogram, "batch_rows", "Rows of one run", ("model", "signature"), buckets=_ROWS)
        self.registry.register(_Versions(repository))

    def _make(self, kind, name, help_, labels, **options):
        return kind(f"kerazoo_{name}", help_, labels, registry=self.registry, **options)

    def count(self, model, method, entrypoint, code, since):
        """Count an answered request.

        Args:
            model: str. Models that do not exist are counted as one, or their names would pile up.
            method: str. "predict", ...
            entrypoint: str. "REST" or "GRPC".
            code: Code.
            since: float. `time.monotonic()` when it arrived.
        """
        known = model if model in self.repository().models else "(unknown)"
        self.requests.labels(known, method, entrypoint, code.name).inc()
        if code is Code.OK:
            self.seconds.labels(known, method, entrypoint).observe(time.monotonic() - since)

    def page(self):
        """bytes. The text that Prometheus reads."""
        return generate_latest(self.registry)


class _Versions:
    """Loaded versions and waiting requests, read again each time: nothing is kept that two readers could share."""

    def __init__(self, repository):
        self.repository = repository

    def describe(self):
        return ()  # else `collect` is called before there is a repository

    def collect(self):
        queue = GaugeMetricFamily("kerazoo_queue_length", "Requests that wait for a run", labels=("model", "version"))
        loaded = GaugeMetricFamily("kerazoo_versions_loaded", "Versions that are served", labels=("model",))
        versions = self.repository().available()
        for model, count in collections.Counter(version.model for version in versions).items():
            loaded.add_metric((model,), count)
        for version in versions:
            if servable := version.servable:  # None where it has just been unloaded
                queue.add_metric((version.model, str(version.number)), servable.batcher.waiting)
        return queue, loaded
