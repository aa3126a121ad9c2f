"""Everything that this process counts, in Prometheus' terms."""

import os
from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

M = TypeVar("M", Counter, Histogram)
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The service's own metrics. With PROMETHEUS_MULTIPROC_DIR set, an exposition sums all processes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter("http_requests", "Requests answered.", "method", "route", "status")
        self.request_seconds = self._histogram("http_request_seconds", "Time to answer a request.", "route")
        self.predictions = self._counter("predictions", "Clients answered.", "arm", "model", "high_risk")
        self.model_seconds = self._histogram("model_seconds", "Time to score inside a model.", "model")
        self.shadow_failures = self._counter("shadow_failures", "Silent scores that failed.", "model")
        self.config_revision = self._gauge("config_revision", "Newest config row in force.", "livemin")
        self.config_rows_refused = self._counter("config_rows_refused", "Rows set aside as invalid.")
        self.dependency_failures = self._counter("dependency_failures", "Calls that failed.", "dependency")
        self.cache_lookups = self._counter("cache_lookups", "Cache lookups.", "cache", "result")
        self.ledger_shipped = self._counter("ledger_shipped", "Records shipped from the outbox.", "sink")
        self.ledger_quarantined = self._counter("ledger_quarantined", "Records no sink accepts.", "sink")
        self.spool_depth = self._gauge("spool_depth", "Records not yet in the ledger.", "livesum")

    def exposition(self) -> bytes:
        """The text format of Prometheus, over every process that shares the multiprocess directory."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        gathered = CollectorRegistry()
        multiprocess.MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return generate_latest(gathered)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return _remembering(Counter(f"holdfast_{name}", text, labels, registry=self._registry))

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return _remembering(Histogram(f"holdfast_{name}", text, labels, registry=self._registry, buckets=SECONDS))

    def _gauge(self, name: str, text: str, mode: str) -> Gauge:
        return Gauge(f"holdfast_{name}", text, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type]


def _remembering(metric: M) -> M:
    """Its `labels` joins, checks and locks each time; a request asks for a handful of the same."""
    metric.labels = cache(metric.labels)  # type: ignore[method-assign]
    return metric
