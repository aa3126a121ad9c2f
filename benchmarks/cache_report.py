"""How the figures of the cache are shown: in the terminal and in `docs/cache.md`, whose tables are never typed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- written by ./run.sh bench cache -->\n", "<!-- until here -->\n"
TIMES = ("scoring", "cache off", "hit in memory", "miss in memory", "hit on Redis", "miss on Redis")
Result = Mapping[str, Any]


def told(result: Result) -> str:
    """Both tables, and what they come to."""
    return "\n".join(["".join(_models(result)), "".join(_formats(result["formats"])), *_conclusions(result)])


def written_into(page: str, result: Result) -> str:
    """The page with these figures between its two marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{told(result)}\n\n{END}{rest.split(END)[1]}"


def worth_from(times: Mapping[str, float], where: str) -> float | None:
    """The share of hits above which the cache is quicker than scoring each time; None when no share is enough."""
    hit, miss, scoring = times[f"hit {where}"], times[f"miss {where}"], times["scoring"]
    return None if hit >= scoring else max(0.0, (miss - scoring) / (miss - hit))


def _models(result: Result) -> Iterator[str]:
    yield from _row("model", *TIMES, "memory pays from", "Redis pays from")
    yield from _row(*["-"] * (len(TIMES) + 3))
    for name, times in result["models"].items():
        shares = [_share(worth_from(times, where)) for where in ("in memory", "on Redis")]
        yield from _row(name, *(f"{times[each]:,.1f}" for each in TIMES), *shares)


def _formats(formats: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _row("answer", "format", "bytes", "write", "read")
    yield from _row(*["-"] * 5)
    for each in formats:
        yield from _row(
            each["answer"], f"`{each['format']}`", *(f"{each[name]:,}" for name in ("bytes", "write", "read"))
        )


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


def _row(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |\n"
