"""Whether staging answers golden customers as its own configuration says, and as the rehearsal did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from experiments.plan import HOLDOUT, plan
from helpers.field_errors import field_errors, in_one_line
from services.answers import Question
from services.config.model import LiveConfig
from services.meaning import high_risk
from services.snapshot import Serving, rules_of

TOLERANCE = 1e-6


class _Told(BaseModel):
    """What is looked at of an answer; there may be more."""

    client_id: str
    prediction: float | None
    high_risk: str | None
    arm: str
    model: str
    model_version: str
    config_revision: int

    @property
    def ref(self) -> str:
        return f"{self.model}@{self.model_version}"


@dataclass(slots=True)
class LocalScores:
    """What the candidate's models say here of the customers, each model asked once and only when it is wanted."""

    serving: Serving
    questions: Sequence[Question]
    _found: dict[str, list[float]] = field(default_factory=dict)

    def of(self, ref: str, position: int) -> float | None:
        """None for a model that is not in the candidate."""
        if ref not in self._found:
            self._found[ref] = self._scores(ref)
        return self._found[ref][position] if self._found[ref] else None

    def _scores(self, ref: str) -> list[float]:
        model = next((loaded.plain for loaded in self.serving.models.values() if loaded.ref == ref), None)
        found = model.predict_many([each.data for each in self.questions]) if model else []
        return [each.probability for each in found]


@dataclass(frozen=True, slots=True)
class Staged:
    """What is in force on staging, at which revision of its table, and the scores to compare with."""

    config: LiveConfig
    revision: int
    local: LocalScores

    def fault(self, position: int, client_id: str, answer: Mapping[str, Any] | None) -> str | None:
        """What is wrong with the answer for the customer at that position, None when nothing is."""
        if answer is None:
            return "was not answered"
        if "error" in answer:
            return f"was refused: {_detail(answer['error'])}"
        try:
            told = _Told.model_validate(answer)
        except ValidationError as error:
            return f"the answer is none: {in_one_line(field_errors(error))}"
        return self._misplaced(client_id, told) or self._misjudged(told) or self._moved(position, told)

    def compares(self, position: int, answer: Mapping[str, Any] | None) -> bool:
        """Whether a model answered openly whose score here is known."""
        if not answer or answer.get("prediction") is None:
            return False
        return self.local.of(f"{answer.get('model')}@{answer.get('model_version')}", position) is not None

    def _misplaced(self, client_id: str, told: _Told) -> str | None:
        expected = plan(rules_of(self.config), client_id)
        met = expected.silent[0] if expected.arm == HOLDOUT else expected.arm
        wanted = (client_id, self.revision, expected.arm, self.config.resolve(met))
        found = (told.client_id, told.config_revision, told.arm, told.ref)
        names = ("client", "config revision", "arm", "model")
        return next((f"{n} {b} instead of {a}" for n, a, b in zip(names, wanted, found, strict=True) if a != b), None)

    def _misjudged(self, told: _Told) -> str | None:
        if (told.prediction is None) != (told.arm == HOLDOUT):
            return f"a prediction of {told.prediction} in the arm {told.arm}"
        if told.prediction is not None and not 0 <= told.prediction <= 1:
            return f"a prediction of {told.prediction}, which is no probability"
        wanted = high_risk(told.prediction, self.config.proba_cutoff)
        return None if told.high_risk == wanted else f"high risk {told.high_risk} instead of {wanted}"

    def _moved(self, position: int, told: _Told) -> str | None:
        here = None if told.prediction is None else self.local.of(told.ref, position)
        if here is None or told.prediction is None or abs(told.prediction - here) <= TOLERANCE:
            return None
        return f"{told.ref} says {told.prediction:.6f} there and {here:.6f} here"


def _detail(problem: Any) -> str:
    return str(problem.get("detail", problem)) if isinstance(problem, Mapping) else str(problem)
