"""How long a model takes."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from pydantic import BaseModel

from modeling.decorators.base import ModelDecorator
from modeling.interface import Contribution, MLModel


class Timed(ModelDecorator):
    """Tells `observe` the operation (`predict`, `predict_many`, `predict_plainly` or `explain`) and its seconds.

    A call that raised is not observed: the time to fail says nothing about the time to answer.
    """

    def __init__(self, model: MLModel, observe: Callable[[str, float], None]) -> None:
        super().__init__(model)
        self._observe = observe

    def predict(self, data: BaseModel) -> Any:
        started = perf_counter()
        answer = self.model.predict(data)
        self._observe("predict", perf_counter() - started)
        return answer

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        started = perf_counter()
        answers = self.model.predict_many(data)
        self._observe("predict_many", perf_counter() - started)
        return answers

    def predict_plainly(self, data: Sequence[BaseModel]) -> list[float]:
        started = perf_counter()
        found = self.model.predict_plainly(data)
        self._observe("predict_plainly", perf_counter() - started)
        return found

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        started = perf_counter()
        contributions = self.model.explain(data)
        self._observe("explain", perf_counter() - started)
        return contributions
