"""The live configuration: every value that may change while the service runs, checked as one whole."""

from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.parts import (
    Address,
    AliasName,
    Experiment,
    ExperimentName,
    Guardrails,
    Layers,
    ModelName,
    Reference,
    Salt,
)


class LiveConfig(BaseModel):
    """One immutable, valid configuration. The field descriptions are the documentation of the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proba_cutoff: float = Field(
        0.5, ge=0.01, le=0.99, description="Probability from which a client counts as high risk."
    )
    aliases: dict[AliasName, Reference] = Field(
        {}, description="Which `name@version` each alias stands for; `champion` is the one in charge."
    )
    experiment: Experiment = Field(Experiment(), description="How live traffic is split between models.")
    layers: Layers = Field({}, description="Shares of all clients with experiments of their own.")
    paused: tuple[ExperimentName, ...] = Field((), description="Experiments whose clients all meet the champion.")
    shadow: tuple[ModelName, ...] = Field((), description="Models that score silently beside the arm.")
    holdout_percentage: float = Field(
        0, ge=0, le=50, allow_inf_nan=False, description="Share of clients never scored openly, in percent."
    )
    holdout_salt: Salt = Field("holdout", description="Decides which clients form the holdout.")
    email_policy: Literal["every", "high_risk", "off"] = Field("off", description="Which answers cause a message.")
    email_recipients: tuple[Address, ...] = Field((), max_length=50, description="Who gets the messages.")
    feature_ttl_seconds: float = Field(
        300, ge=1, le=86_400, description="Age at which a stored customer value is read again."
    )
    cache_ttl_seconds: float = Field(
        0, ge=0, le=86_400, description="Age at which a cached prediction expires; 0: none is cached."
    )
    cache_fields: tuple[str, ...] = Field(
        (), max_length=200, description="Fields by which clients share a cached prediction; none: by all of them."
    )
    cache_decimals: int | None = Field(
        None, ge=0, le=15, description="Decimals of numbers by which clients share a cached prediction; null: all."
    )
    activity_window_seconds: int = Field(
        2_592_000, ge=60, le=31_536_000, description="Window in which earlier sightings are counted."
    )
    call_list_capacity: int = Field(50, ge=1, le=100_000, description="Calls that the team can make a day.")
    contact_rest_days: int = Field(
        30, ge=0, le=365, description="Days after an action in which a client stays off the call list."
    )
    maturity_days: int = Field(
        30, ge=1, le=3_650, description="Days without an outcome after which a client counts as retained."
    )
    smallest_effect: float = Field(
        0.02, ge=0.001, le=0.5, description="Difference in churn rate that is worth finding."
    )
    risk_hysteresis: float = Field(
        0.05, ge=0, le=0.5, description="How far below the cutoff a client must fall to leave high risk."
    )
    alert_recipients: tuple[Address, ...] = Field(
        (), max_length=50, description="Who gets the daily digest and what guardrails have to say."
    )
    guardrails: Guardrails = Field(Guardrails(), description="Limits beyond which a challenger is paused.")

    two_person_rule: bool = Field(
        False, description="Whether a second person must approve each change to the configuration."
    )
    watch_minutes: int = Field(
        15, ge=0, le=1_440, description="How long a change is watched, and taken back by itself when guardrails break."
    )

    @model_validator(mode="after")
    def mail_has_recipients(self) -> Self:
        if self.email_policy != "off" and not self.email_recipients:
            keys = {"keys": ("email_policy", "email_recipients")}
            raise PydanticCustomError("recipients", "email_policy needs an address in email_recipients", keys)
        return self

    @model_validator(mode="after")
    def experiments_have_names_of_their_own(self) -> Self:
        names = [experiment.name for experiment in self.experiments if experiment.compares]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            text = {"message": f"two experiments are called {twice[0]!r}", "keys": ("layers", "experiment")}
            raise PydanticCustomError("names", "{message}", text)
        return self

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """Every experiment, that of the clients in no layer first."""
        return (self.experiment, *(layer.experiment for layer in self.layers.values()))

    def resolve(self, name: str) -> str:
        """The `name@version` behind an alias; a `name@version` is its own. Raises UserError."""
        reference = self.aliases.get(name, name)
        if "@" not in reference:
            raise UserError(f"{name!r} is no alias and no name@version: add it to aliases", "aliases")
        return reference

    def served_names(self) -> tuple[str, ...]:
        """Every arm and shadow, the champion first: all that must be loaded to serve this config."""
        arms = (arm for experiment in self.experiments for arm in experiment.arms)
        return tuple(dict.fromkeys((CHAMPION, *arms, *self.shadow)))


STRUCTURED = frozenset(
    {
        "aliases",
        "experiment",
        "layers",
        "paused",
        "shadow",
        "email_recipients",
        "alert_recipients",
        "guardrails",
        "cache_fields",
        "cache_decimals",
    }
)
KEYS = tuple(LiveConfig.model_fields)


class ConfigRefused(UserError):
    """A configuration that may not take effect. `problems` maps a key to what is wrong with it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems.items()), next(iter(problems)))
        self.problems = problems


def parse_config(texts: dict[str, str]) -> LiveConfig:
    """The config that rows of text spell. Raises ConfigRefused naming every key at fault."""
    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, text in texts.items():
        try:
            values[key] = orjson.loads(text) if key in STRUCTURED else text
        except orjson.JSONDecodeError as error:
            problems[key] = f"is not JSON: {error}"
    if problems:
        raise ConfigRefused(problems)
    try:
        return LiveConfig(**values)
    except ValidationError as error:
        raise ConfigRefused(_problems(error)) from None


def _problems(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in error.errors():
        inner = ".".join(str(part) for part in line["loc"][1:])
        for key in _keys_at_fault(line):
            found.setdefault(key, f"{inner}: {line['msg']}" if inner else line["msg"])
    return found


def _keys_at_fault(line: ErrorDetails) -> tuple[str, ...]:
    """The key, or the several that do not fit together."""
    return (str(line["loc"][0]),) if line["loc"] else line["ctx"]["keys"]
