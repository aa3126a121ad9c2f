"""What was set out to be reached, and whether it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.cases import FLOOR, FULL, LARGE

FIGURES = ("requests_per_second", "p50_ms", "p99_ms", "cpu_us")


@dataclass(frozen=True, slots=True)
class Target:
    """`found` is to be `limit` or less; where `least`, or more."""

    words: str
    found: float
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.limit if self.least else self.found <= self.limit


def ratios(medians: Mapping[str, Mapping[str, float]], floor: str = FLOOR) -> dict[str, dict[str, float]]:
    """Each case's figures as multiples of the floor's."""
    base = medians[floor]
    return {name: {key: round(each[key] / base[key], 3) for key in FIGURES} for name, each in medians.items()}


def targets(result: Mapping[str, Any]) -> list[Target]:
    of_floor = ratios(result["medians"])[FULL]
    models, workers = result["models"].values(), result["memory"][1:]
    return [
        Target("everything on, requests/s, × the floor's", of_floor["requests_per_second"], 0.55, least=True),
        Target("everything on, CPU a request, × the floor's", of_floor["cpu_us"], 1.8),
        Target("everything on, p99, × the floor's", of_floor["p99_ms"], 4),
        Target(f"{LARGE}, rows/s", result["medians"][LARGE]["rows_per_second"], 40_000, least=True),
        Target("one row in the slowest model, µs", max(each["score_us"] for each in models), 60),
        Target("three reasons by the slowest model, µs more", max(each["reasons_us"] for each in models), 150),
        Target("a worker more, MB of its own", max(each["uss_mb"] for each in workers), 60),
        Target("cold start to the first answer, s", result["start"]["seconds"], 3),
    ]
