"""What is known about one trained model: `card.json` of its folder, and the model's own identity."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpers.errors import UserError


class Interval(BaseModel):
    """An estimate with its 95 % bootstrap interval."""

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float
    high: float


class Drop(BaseModel):
    """A column of the table that the model does not read."""

    model_config = ConfigDict(frozen=True)

    column: str
    reason: str


class Card(BaseModel):
    """Everything a reader may want to know before trusting a model.

    `metrics` are of the held-out rows, for the very model in the folder; `cross_validated` are of the
    algorithm, over folds. `base` is the mean log-odds that reasons start from.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    version: str
    created_at: str = ""
    algorithm: str = ""
    runtime: Literal["onnx", "heuristic", "class"]
    explainer: Literal["graph", "trees", "rules", "none"] = "none"
    display_name: str = ""
    description: str = ""
    table: str = ""
    target: str = ""
    positive: str = ""
    id: str = ""
    features: list[str] = Field(default_factory=list)
    dropped: list[Drop] = Field(default_factory=list)
    decisions: list[str] = Field(default_factory=list)
    rows: dict[str, int] = Field(default_factory=dict)
    base_rate: float = 0.0
    base: float = 0.0
    metrics: dict[str, Interval] = Field(default_factory=dict)
    cross_validated: dict[str, Any] = Field(default_factory=dict)
    candidates: list[dict[str, Any]] = Field(default_factory=list)
    importance: dict[str, float] = Field(default_factory=dict)
    calibration: str = ""
    cutoff: float = Field(0.5, ge=0.01, le=0.99)
    cutoff_criterion: str = ""
    parity_max_abs_diff: float = 0.0
    parity_rows: int = 0
    schema_digest: str = ""
    training_seconds: float = 0.0
    libraries: dict[str, str] = Field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"


def read_card(text: str | bytes) -> Card:
    """The card in a JSON text. Raises UserError when it is not one."""
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(f"card.json cannot be read: {field}: {first['msg']}; train again", field) from error
