"""What is measured over HTTP: the service as it is configured, its parts switched off in turn, and its rivals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

EVERYTHING: Mapping[str, Any] = MappingProxyType(
    {
        "experiment": {"name": "bench", "salt": "bench", "arms": {"champion": 0.5, "challenger": 0.5}},
        "shadow": ["heuristic"],
        "holdout_percentage": "10",
        "email_policy": "high_risk",
        "email_recipients": ["retention@example.com"],
        "cache_ttl_seconds": "0",
    }
)
ONE_ARM = {"experiment": {"arms": {"champion": 1.0}}}
NO_SHADOW: dict[str, Any] = {"shadow": []}
NO_HOLDOUT = {"holdout_percentage": "0"}
NO_MAIL = {"email_policy": "off"}
CACHE = {"cache_ttl_seconds": "3600"}


@dataclass(frozen=True, slots=True)
class Case:
    """`server` answers; the service under EVERYTHING but `changes`. `rows` in a request, 0 for one to /predict;
    `reasons` asked for; `connections` at once."""

    server: str = "service"
    changes: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    reasons: int = 0
    connections: int = 16


FLOOR, FULL, LARGE = "bare Flask", "everything on", "batch of 1,000"
CASES: Mapping[str, Case] = MappingProxyType(
    {
        FLOOR: Case("floor"),
        FULL: Case(),
        "without the shadow": Case(changes=NO_SHADOW),
        "without the holdout": Case(changes=NO_HOLDOUT),
        "with one arm": Case(changes=ONE_ARM),
        "without mail": Case(changes=NO_MAIL),
        "without all of these": Case(changes={**NO_SHADOW, **NO_HOLDOUT, **ONE_ARM, **NO_MAIL}),
        "with three reasons": Case(reasons=3),
        "with the cache on": Case(changes=CACHE),
        "bare Flask, gthread": Case("gthread"),
        "FastAPI and ONNX": Case("fastapi"),
        "naive": Case("naive"),
        "batch of 1": Case(rows=1),
        "batch of 100": Case(rows=100),
        LARGE: Case(rows=1_000, connections=4),
    }
)
