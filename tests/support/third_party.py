"""A model as someone else would write one, against the interface alone."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from modeling.interface import Contribution, MLModel, Prediction

AGES = 1_000  # months


class Subscriber(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tenure_months: int = Field(description="Months since the signing up.", examples=[12])
    monthly_charge: float
    contract: Literal["Monthly", "Yearly", "Two years"] | None = None


class TenureRule(MLModel):
    qualified_name = "tenure_rule"
    display_name = "Tenure rule"
    description = "New customers leave."
    version = "7"
    deterministic = True
    input_schema = Subscriber
    output_schema = Prediction

    def predict(self, data: BaseModel) -> Prediction:
        assert isinstance(data, Subscriber)
        return Prediction(probability=1 / (1 + data.tenure_months))

    def predict_many(self, data: Sequence[BaseModel]) -> list[Prediction]:
        return [self.predict(one) for one in data]

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        return ()


class Measured(Subscriber):
    monthly_charge: float = Field(examples=[9.5])


class OpenRule(TenureRule):
    """Reads any model with its fields, as the service hands them over, so that it can be put into service."""

    qualified_name = "open_rule"
    input_schema = Measured

    def predict(self, data: BaseModel) -> Prediction:
        return Prediction(probability=1 / (1 + data.model_dump()["tenure_months"]))


class Nameless(TenureRule):
    qualified_name = "../up"


class Broken(TenureRule):
    def __init__(self) -> None:
        raise RuntimeError("no licence")


class NotAModel:
    pass


class FragileRule(OpenRule):
    """Passes its rehearsal, and fails for whoever has been there for ages."""

    qualified_name = "fragile_rule"

    def predict(self, data: BaseModel) -> Prediction:
        if data.model_dump()["tenure_months"] > AGES:
            raise RuntimeError("no more licences")
        return super().predict(data)


class FearfulRule(OpenRule):
    """Thinks that whoever has been there for ages is about to leave."""

    qualified_name = "fearful_rule"

    def predict(self, data: BaseModel) -> Prediction:
        return Prediction(probability=0.99) if data.model_dump()["tenure_months"] > AGES else super().predict(data)
