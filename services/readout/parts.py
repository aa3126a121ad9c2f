"""What a readout is made of. Every figure that is None has a reason, in words, beside it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from data.readout_store import EarlyOutcomes
from experiments.statistics import Estimate

State = Literal["running", "paused", "stopped", "permanent"]
Finding = Literal["better", "worse", "undecided"]


@dataclass(frozen=True, slots=True)
class ExperimentFacts:
    """What is known of an experiment besides its clients. `arms` are the configured shares without the holdout; none
    where they are not known. `started_at` is None where only its first client tells. `holdout_changes` are the instants
    at which the holdout got another size or salt, whenever that was."""

    name: str
    arms: Mapping[str, float] = field(default_factory=dict)
    layer: str | None = None
    salt: str | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    paused: bool = False
    holdout_changes: tuple[datetime, ...] = ()

    def holdout_moved(self, first_at: datetime | None) -> bool:
        """Whether the holdout became another one while clients came: they were then drawn at different times, and
        who comes early is not like who comes late."""
        return first_at is not None and any(
            first_at < change and (self.stopped_at is None or change < self.stopped_at)
            for change in self.holdout_changes
        )


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How good a model's scores were on `n` matured clients, `churned` of whom left.

    That and the figures are None below the minimum; AUC, Brier score and expected calibration error lie in 0 to 1.
    """

    model: str
    n: int
    churned: int | None
    auc: float | None
    brier: float | None
    ece: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm's churn rate minus the control's, with its always-valid interval: below zero it keeps more clients."""

    value: float
    low: float
    high: float
    finding: Finding


@dataclass(frozen=True, slots=True)
class ArmReadout:
    """One arm. `share` is the configured one, None for the holdout; `exposures` are ledger rows, None for a permanent
    month and at a glance; `models` are those that served it, the holdout silently.

    Below the minimum the leavers, the rates, the money and the comparison are None and `reason` says why. Where the
    split is broken every finding is undecided, and `reason` says so. Money is in the table's currency and leaves out
    the `clients_without_value`. The control has no difference.
    """

    arm: str
    models: tuple[str, ...]
    share: float | None
    clients: int
    exposures: int | None
    matured: int
    immature: int
    churned: int | None
    clients_without_value: int
    churn_rate: Estimate | None
    kept_money: float | None
    kept_per_client: Estimate | None
    difference: Comparison | None
    reason: str | None
    quality: tuple[ModelQuality, ...]


@dataclass(frozen=True, slots=True)
class ShadowReadout:
    """A model that scored the clients of `arm` silently, and beside it the arm's own on those same clients."""

    model: str
    arm: str
    silent: ModelQuality
    own: ModelQuality


@dataclass(frozen=True, slots=True)
class MismatchReadout:
    """Whether clients reach the arms by the configured shares; with an `alarm` nothing else can be trusted."""

    p_value: float
    alarm: bool
    counts: Mapping[str, int]
    shares: Mapping[str, float]
    sentence: str


@dataclass(frozen=True, slots=True)
class PowerReadout:
    """How far the experiment is from finding a difference of `effect` in churn rate, for the arm that takes longest.

    `clients` have matured in it and the control together, `clients_needed` must; `clients_per_day` arrive there.
    `days_needed` includes the time to mature. What is not known is None and `sentence` says why.
    """

    effect: float
    arm: str | None
    power: float | None
    clients: int
    clients_needed: int | None
    clients_per_day: float
    days_needed: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class MoneyReadout:
    """Money saved by treating clients, against the holdout: for each treated client, in a month, and so far.

    `treated_clients` have a value and were met by an arm within `months`. None where `reason` says why.
    """

    per_client: Estimate | None
    per_month: Estimate | None
    total: Estimate | None
    months: float
    treated_clients: int
    sentence: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Readout:
    """What an experiment has shown so far. Times are in UTC; `winner` is None as long as there is none."""

    experiment: str
    layer: str | None
    salt: str | None
    state: State
    started_at: datetime | None
    stopped_at: datetime | None
    read_at: datetime
    maturity_days: int
    early_outcomes: EarlyOutcomes
    control: str | None
    arms: tuple[ArmReadout, ...]
    shadows: tuple[ShadowReadout, ...]
    mismatch: MismatchReadout | None
    power: PowerReadout
    money: MoneyReadout
    winner: str | None
    verdict: str
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the fields by their names, times as datetimes."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MonthSaved:
    """What a month of the permanent holdout showed: `saved` is money, None where `reason` says why."""

    month: str
    experiment: str
    saved: Estimate | None
    per_client: Estimate | None
    holdout_clients: int
    treated_clients: int
    holdout_matured: int
    treated_matured: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Savings:
    """The months of the permanent holdout, oldest first, and one sentence on the newest that can be told."""

    months: tuple[MonthSaved, ...]
    sentence: str
