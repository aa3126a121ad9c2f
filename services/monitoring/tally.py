"""What this process counted so far, as plain numbers by name, of which the differences can be added up over a fleet."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Histogram

from helpers.metrics import Metrics

PREDICTING = frozenset({"/predict", "/v1/predict", "/v1/predict/batch"})
ASKED, REFUSED, FAILED, FAILED_PAGES = "asked", "refused", "failed", "failed-pages"
ARM, CACHE, SECONDS = "arm|", "cache|", "seconds|"


def tally(metrics: Metrics) -> Counter[str]:
    """Answers by `arm|NAME`; requests that asked for predictions, those refused (4xx) and those failed (5xx), and other
    requests that failed; `cache|NAME|hit` and `cache|NAME|miss`; and `seconds|EDGE`, how many of those requests took at
    most that long and longer than the edge before."""
    found: Counter[str] = Counter()
    for labels, number in _counted(metrics.predictions):
        found[f"{ARM}{labels['arm']}"] += number
    for labels, number in _counted(metrics.cache_lookups):
        found[f"{CACHE}{labels['cache']}|{labels['result']}"] += number
    for labels, number in _counted(metrics.requests):
        for name in _names(labels["route"] in PREDICTING, labels["status"]):
            found[name] += number
    return found + _seconds(metrics.request_seconds)


def _names(predicting: bool, status: str) -> Iterator[str]:
    if not predicting:
        yield from [FAILED_PAGES] if status >= "500" else []
        return
    yield ASKED
    if status >= "400":
        yield FAILED if status >= "500" else REFUSED


def _counted(counter: PrometheusCounter) -> Iterator[tuple[dict[str, str], int]]:
    for family in counter.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                yield sample.labels, int(sample.value)


def _seconds(histogram: Histogram) -> Counter[str]:
    """Prometheus counts all that took at most an edge: what lies between two edges is the difference."""
    up_to: dict[str, dict[float, int]] = {}
    for sample in (sample for family in histogram.collect() for sample in family.samples):
        if sample.name.endswith("_bucket") and sample.labels["route"] in PREDICTING:
            up_to.setdefault(sample.labels["route"], {})[float(sample.labels["le"])] = int(sample.value)
    found: Counter[str] = Counter()
    for counts in up_to.values():
        below = 0
        for edge in sorted(counts):
            found[f"{SECONDS}{edge:g}"] += counts[edge] - below
            below = counts[edge]
    return found
