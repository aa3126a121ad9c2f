"""What came in, by minute or hour: answers by arm, failures, latency and cache hits, from what processes counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from data.pulse_store import HOUR, MINUTE, PulseStore
from helpers.metrics import SECONDS as EDGES_OF_SECONDS
from services.monitoring.tally import ARM, ASKED, CACHE, FAILED, FAILED_PAGES, REFUSED, SECONDS

Span = Literal["hour", "day", "week"]
STEPS: Mapping[Span, tuple[int, int]] = {"hour": (MINUTE, 60), "day": (HOUR, 24), "week": (HOUR, 168)}
PERCENTILES = (0.5, 0.95, 0.99)
EDGES = (*EDGES_OF_SECONDS, float("inf"))


@dataclass(frozen=True, slots=True)
class Moment:
    """A minute or an hour from `at` on. `asked` are requests for predictions; `percentiles` are those of the seconds
    that they took, in the order of PERCENTILES, None without any. Percentiles are told from counts between edges."""

    at: datetime
    arms: Mapping[str, int]
    asked: int
    refused: int
    failed: int
    failed_pages: int
    percentiles: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class CacheShare:
    name: str
    hits: int
    lookups: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The moments of a span, oldest first, with their sum; `arms` by name, the busiest first."""

    span: Span
    moments: Sequence[Moment]
    whole: Moment
    arms: Sequence[str]
    caches: Sequence[CacheShare]


def traffic(store: PulseStore, now: datetime, span: Span) -> Traffic:
    """The last hour by minutes, the last day or week by hours. Raises redis.RedisError."""
    seconds, many = STEPS[span]
    last = int(now.timestamp() // seconds)
    first = last - many + 1
    found = (store.minutes if seconds == MINUTE else store.hours)(first, last)
    whole: Counter[str] = Counter()
    for counted in found.values():
        whole.update(counted)
    moments = [_moment(place * seconds, found.get(place, Counter())) for place in range(first, last + 1)]
    together = _moment(first * seconds, whole)
    arms = sorted(together.arms, key=lambda arm: (-together.arms[arm], arm))
    return Traffic(span, moments, together, arms, _caches(whole))


def percentile(counts: Mapping[float, int], share: float) -> float | None:
    """The value below which a `share` of the counts lies, straight between the edges; of what is above the last finite
    edge, that edge. None without counts."""
    wanted, below, edge_below = share * sum(counts.values()), 0, 0.0
    for edge in sorted(counts):
        if counts[edge] and below + counts[edge] >= wanted:
            part = (wanted - below) / counts[edge]
            return edge_below if edge == float("inf") else edge_below + part * (edge - edge_below)
        below, edge_below = below + counts[edge], edge
    return None


def _moment(at: int, counted: Counter[str]) -> Moment:
    return Moment(
        at=datetime.fromtimestamp(at, UTC),
        arms={name.removeprefix(ARM): number for name, number in counted.items() if name.startswith(ARM)},
        asked=counted[ASKED],
        refused=counted[REFUSED],
        failed=counted[FAILED],
        failed_pages=counted[FAILED_PAGES],
        percentiles=_percentiles(counted),
    )


def _percentiles(counted: Counter[str]) -> tuple[float, ...] | None:
    """Of edges without a count as well: what lies between two edges is told by both."""
    counts = {edge: counted[f"{SECONDS}{edge:g}"] for edge in EDGES}
    found = [percentile(counts, share) for share in PERCENTILES]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else None


def _caches(counted: Counter[str]) -> list[CacheShare]:
    names = sorted({name.split("|")[1] for name in counted if name.startswith(CACHE)})
    found = [(name, counted[f"{CACHE}{name}|hit"], counted[f"{CACHE}{name}|miss"]) for name in names]
    return [CacheShare(name, hits, hits + misses) for name, hits, misses in found]
