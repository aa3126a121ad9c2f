"""How the figures of the cache are shown: in the terminal and in `docs/cache.md`, whose tables are never typed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.documents import heading, row

TIMES = ("scoring", "cache off", "hit in memory", "miss in memory", "hit on Redis", "miss on Redis")
Result = Mapping[str, Any]


def told(result: Result) -> str:
    """Both tables, and what they come to."""
    return "\n".join(["".join(_models(result)), "".join(_formats(result["formats"])), *_conclusions(result)])


def worth_from(times: Mapping[str, float], where: str) -> float | None:
    """The share of hits above which the cache is quicker than scoring each time; None when no share is enough."""
    hit, miss, scoring = times[f"hit {where}"], times[f"miss {where}"], times["scoring"]
    return None if hit >= scoring else max(0.0, (miss - scoring) / (miss - hit))


def _models(result: Result) -> Iterator[str]:
    yield heading("model", *TIMES, "memory pays from", "Redis pays from")
    for name, times in result["models"].items():
        shares = [_share(worth_from(times, where)) for where in ("in memory", "on Redis")]
        yield row(name, *(f"{times[each]:,.1f}" for each in TIMES), *shares)


def _formats(formats: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield heading("answer", "format", "bytes", "write", "read")
    for each in formats:
        yield row(each["answer"], f"`{each['format']}`", *(f"{each[name]:,}" for name in ("bytes", "write", "read")))


def _conclusions(result: Result) -> Iterator[str]:
    times = result["models"].values()
    lowest, highest = min(each["scoring"] for each in times), max(each["scoring"] for each in times)
    memory, redis = (max(each[f"hit {where}"] for each in times) for where in ("in memory", "on Redis"))
    loses = [name for name, each in result["models"].items() if each["hit in memory"] >= each["scoring"]]
    yield f"Scoring takes {lowest:,.0f} to {highest:,.0f} µs, a hit up to {memory:,.0f} µs in memory and up to"
    yield f"{redis:,.0f} µs on Redis, the naive way {result['naive']:,.0f} µs. Even a hit in memory is no quicker than"
    yield f"scoring with: {', '.join(loses) or 'none'}."


def _share(value: float | None) -> str:
    return "never" if value is None else f"{value:.0%} hits"
