"""How the keys of the configuration are shown to people: in which group, by which name, with which control."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from services.config.model import LiveConfig
from services.config.parts import Guardrails

Kind = Literal[
    "cutoff", "percent", "number", "text", "switch", "policy", "lines", "aliases", "models", "paused", "experiment",
    "guardrails", "json",
]  # fmt: skip
FRACTIONS: frozenset[Kind] = frozenset({"cutoff", "percent"})
"""Kept as parts of one, shown and entered as percentages."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key; `low` and `high` are the ends of its range as they are entered, None where it has none."""

    key: str
    title: str
    kind: Kind
    unit: str = ""

    @property
    def description(self) -> str:
        return (LiveConfig.model_fields[self.key].description or "").replace("`", "")

    @property
    def low(self) -> float | None:
        return self._scaled(limit(LiveConfig, self.key, "ge"))

    @property
    def high(self) -> float | None:
        return self._scaled(limit(LiveConfig, self.key, "le"))

    @property
    def whole(self) -> bool:
        return LiveConfig.model_fields[self.key].annotation is int

    def _scaled(self, end: float | None) -> float | None:
        return round(100 * end, 6) if end is not None and self.kind in FRACTIONS else end


@dataclass(frozen=True, slots=True)
class Group:
    """Keys that people think of together."""

    id: str
    title: str
    about: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Rail:
    """One limit of the guardrails; those with a `switch` can be off."""

    name: str
    title: str
    switch: bool

    @property
    def description(self) -> str:
        return _field(Guardrails, self.name).description or ""

    @property
    def low(self) -> float | None:
        return limit(Guardrails, self.name, "ge")

    @property
    def high(self) -> float | None:
        return limit(Guardrails, self.name, "le")


GROUPS = (
    Group(
        "risk",
        "Risk & call list",
        "Who counts as likely to leave, and how many of them the team can call.",
        (
            Setting("proba_cutoff", "High risk from", "cutoff", "%"),
            Setting("risk_hysteresis", "Margin before a client leaves high risk", "percent", "percentage points"),
            Setting("call_list_capacity", "Capacity of the team", "number", "calls a day"),
            Setting("contact_rest_days", "Rest after a contact", "number", "days"),
        ),
    ),
    Group(
        "models",
        "Models & experiments",
        "Which models answer, and how they are compared.",
        (
            Setting("aliases", "Models in charge", "aliases"),
            Setting("experiment", "Split of live traffic", "experiment"),
            Setting("paused", "Paused experiments", "paused"),
            Setting("shadow", "Silent models", "models"),
            Setting("smallest_effect", "Smallest difference worth finding", "percent", "percentage points"),
            Setting("maturity_days", "Until a client counts as retained", "number", "days"),
        ),
    ),
    Group(
        "holdout",
        "Holdout",
        "Clients whom nobody treats, so that what treating the others saves can be seen.",
        (Setting("holdout_percentage", "Size of the holdout", "number", "% of all clients"),),
    ),
    Group(
        "mail",
        "Mail & alerts",
        "Who is written to, and about what.",
        (
            Setting("email_policy", "Mail about answers", "policy"),
            Setting("email_recipients", "Recipients of that mail", "lines"),
            Setting("alert_recipients", "Recipients of digest and alerts", "lines"),
        ),
    ),
    Group(
        "timing",
        "Timing & caches",
        "How long what was read stays good.",
        (
            Setting("feature_ttl_seconds", "Stored customer values", "number", "seconds"),
            Setting("cache_ttl_seconds", "Cached predictions", "number", "seconds"),
            Setting("activity_window_seconds", "Earlier sightings", "number", "seconds"),
        ),
    ),
    Group(
        "safety",
        "Safety",
        "What stops a bad model or a bad change.",
        (
            Setting("guardrails", "Guardrails of challengers", "guardrails"),
            Setting("two_person_rule", "Two people for each change", "switch"),
            Setting("watch_minutes", "Watch after each change", "number", "minutes"),
        ),
    ),
    Group(
        "advanced",
        "Advanced",
        "Rarely touched, and easily broken.",
        (
            Setting("layers", "Layers", "json"),
            Setting("cache_fields", "Fields that tell cached clients apart", "json"),
            Setting("cache_decimals", "Decimals that tell cached clients apart", "json"),
            Setting("holdout_salt", "Salt of the holdout", "text"),
        ),
    ),
)
RAILS = (
    Rail("errors", "Failed answers", switch=True),
    Rail("latency", "Response times", switch=True),
    Rail("high_risk", "Clients at high risk", switch=True),
    Rail("score_shift", "Shift of scores", switch=True),
    Rail("overlap", "Overlap of a shadow", switch=True),
    Rail("brier", "Brier score", switch=True),
    Rail("minimum", "Fewest clients", switch=False),
    Rail("hours", "Hours looked at", switch=False),
)
POLICIES = {"every": "About every answer", "high_risk": "About clients at high risk", "off": "No mail about answers"}


def settings() -> Iterator[Setting]:
    for group in GROUPS:
        yield from group.settings


SETTINGS = {setting.key: setting for setting in settings()}


def limit(model: type[BaseModel], name: str, end: Literal["ge", "le"]) -> float | None:
    """The lower or the upper end of a field's range, both allowed."""
    found: list[Any] = [getattr(each, end) for each in _field(model, name).metadata if hasattr(each, end)]
    return found[0] if found else None


def _field(model: type[BaseModel], name: str) -> FieldInfo:
    return model.model_fields[name]
