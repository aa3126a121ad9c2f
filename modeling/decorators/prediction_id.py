"""A name for each answer."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter, create_model

from helpers.ids import new_id
from modeling.decorators.base import ModelDecorator
from modeling.interface import MLModel


class PredictionId(ModelDecorator):
    """Gives each answer a new `prediction_id`. The outermost decorator, so that no cache repeats an id."""

    def __init__(self, model: MLModel) -> None:
        super().__init__(model)
        self.output_schema = create_model(
            f"Identified{model.output_schema.__name__}",
            __base__=model.output_schema,
            prediction_id=(str, ...),
        )
        self._many = TypeAdapter(list[self.output_schema])  # type: ignore[name-defined]

    def predict(self, data: BaseModel) -> Any:
        return self._identified([self.model.predict(data)])[0]

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        return self._identified(self.model.predict_many(data))

    def _identified(self, answers: Sequence[BaseModel]) -> list[Any]:
        return self._many.validate_python([{**answer.__dict__, "prediction_id": new_id()} for answer in answers])
