"""How the figures are shown: in the terminal, and in `docs/speed.md`, whose tables are never typed."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.documents import heading, row
from benchmarks.speed.cases import FLOOR
from benchmarks.speed.targets import ratios, targets

Result = Mapping[str, Any]


def told(result: Result) -> str:
    """All tables, that of the targets first."""
    parts = (_targets(result), _cases(result), _batches(result), _models(result), _memory(result))
    return "\n".join("".join(part) for part in parts) + f"\n{_setting(result)}"


def _targets(result: Result) -> Iterator[str]:
    yield heading("target", "found", "limit", "met")
    for each in targets(result):
        limit = f"{'≥' if each.least else '≤'} {each.limit:,g}"
        yield row(
            each.words,
            f"{each.found:,.4g}" if each.found < 1_000 else f"{each.found:,.0f}",
            limit,
            "yes" if each.met else "NO",
        )


def _cases(result: Result) -> Iterator[str]:
    yield heading("", "requests/s", "p50 ms", "p99 ms", "CPU µs", "× requests/s", "× p99", "× CPU")
    times = ratios(result["medians"])
    for name, each in result["medians"].items():
        if "rows_per_second" in each:
            continue
        figures = (
            f"{each['requests_per_second']:,.0f}",
            f"{each['p50_ms']:.2f}",
            f"{each['p99_ms']:.2f}",
            f"{each['cpu_us']:,.0f}",
        )
        of_floor = (f"{times[name][key]:.2f}" for key in ("requests_per_second", "p99_ms", "cpu_us"))
        yield row(name, *figures, *of_floor)


def _batches(result: Result) -> Iterator[str]:
    yield heading("", "rows/s", "p50 ms", "p99 ms", "CPU µs a row")
    for name, each in result["medians"].items():
        if "rows_per_second" in each:
            rows = each["rows_per_second"]
            cpu = each["cpu_us"] * each["requests_per_second"] / rows
            yield row(name, f"{rows:,.0f}", f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}", f"{cpu:.1f}")


def _models(result: Result) -> Iterator[str]:
    yield heading("model alone", "one row µs", "three reasons µs more")
    for name, each in result["models"].items():
        yield row(name, f"{each['score_us']:.1f}", f"{each['reasons_us']:.1f}")


def _memory(result: Result) -> Iterator[str]:
    yield heading("process", "PSS MB", "USS MB")
    for place, each in enumerate(result["memory"]):
        yield row(f"worker {place}" if place else "master", f"{each['pss_mb']:,.0f}", f"{each['uss_mb']:,.0f}")


def _setting(result: Result) -> str:
    customers, risky = result["customers"], result["high_risk"]
    return (
        f"{result['rounds']} rounds of {result['seconds']} s, {result['cores']} cores, {result['workers']} workers, "
        f"16 connections;\n{customers} customers, of whom {risky:.0%} are answered with high risk. "
        f"× is the multiple of {FLOOR}'s."
    )
