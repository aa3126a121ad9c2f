"""What every model is, whoever made it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Prediction(BaseModel):
    """A model's answer for one client."""

    model_config = ConfigDict(frozen=True)

    probability: float = Field(ge=0, le=1, description="Probability that the client leaves.")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature added to the answer.

    `effect` is in log-odds: the effects of all features and the model's base value sum to
    `log(p / (1 - p))`. Positive pushes towards leaving.
    """

    feature: str
    value: Any
    effect: float


class MLModel(ABC):
    """A model with its schemas. A decorator takes one and is one."""

    qualified_name: str
    display_name: str
    description: str
    version: str
    deterministic: bool
    input_schema: type[BaseModel]
    output_schema: type[BaseModel]

    @abstractmethod
    def predict(self, data: BaseModel) -> Any:
        """The answer, an `output_schema`, for one `input_schema`."""

    @abstractmethod
    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        """The answers for many, in order."""

    def predict_plainly(self, data: Sequence[BaseModel]) -> list[float]:
        """The probabilities for many, in order, for whoever needs nothing else of the answers."""
        return [answer.probability for answer in self.predict_many(data)]

    @abstractmethod
    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        """The exact contribution of every feature, largest absolute effect first; empty when the
        model cannot say."""
