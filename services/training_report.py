"""What a training decided, made and changed."""

from dataclasses import asdict, dataclass
from typing import Any

from services.promotion import Promotion


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """One model folder; `card` is its card.json."""

    ref: str
    algorithm: str
    folder: str
    card: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was decided, trained and changed. `models` has the winner first, `reason` says why it won.

    `customers` and `lifetime_values` count what was stored; `notes` tells what was not, and why.
    """

    table: str
    rows: int
    decisions: list[dict[str, str]]
    dropped: list[dict[str, str]]
    models: list[TrainedModel]
    reason: str
    customers: int
    lifetime_values: int
    promotion: Promotion | None
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
