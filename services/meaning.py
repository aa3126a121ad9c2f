"""What a probability comes to: high risk or not, money at stake, and why."""

from typing import Any

from pydantic import BaseModel

from modeling.interface import MLModel


def high_risk(probability: float | None, cutoff: float) -> str | None:
    """`yes` or `no`; None in the holdout."""
    if probability is None:
        return None
    return "yes" if probability >= cutoff else "no"


def money_at_risk(probability: float | None, amount: float | None) -> float | None:
    """Probability times lifetime value, to the cent."""
    return None if probability is None or amount is None else round(probability * amount, 2)


def reasons(model: MLModel, data: BaseModel, number: int) -> list[dict[str, Any]]:
    """The strongest `number` reasons of the model's answer, the strongest first."""
    found = model.explain(data)[:number] if number else ()
    return [{"feature": each.feature, "value": each.value, "effect": each.effect} for each in found]
