"""A decorator takes a model and is one."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from modeling.interface import Contribution, MLModel


class ModelDecorator(MLModel):
    """Forwards everything; a subclass changes one thing."""

    def __init__(self, model: MLModel) -> None:
        self.model = model
        self.qualified_name = model.qualified_name
        self.display_name = model.display_name
        self.description = model.description
        self.version = model.version
        self.deterministic = model.deterministic
        self.input_schema = model.input_schema
        self.output_schema = model.output_schema

    def predict(self, data: BaseModel) -> Any:
        return self.model.predict(data)

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        return self.model.predict_many(data)

    def predict_plainly(self, data: Sequence[BaseModel]) -> list[float]:
        return self.model.predict_plainly(data)

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        return self.model.explain(data)
