"""Answers as the rows of a page: what to show, in which order, and how long each bar is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from endpoints.reason_bars import Reason, bars, scale_of
from endpoints.wording import label, percent, times_seen
from services.answers import Answer


@dataclass(frozen=True, slots=True)
class Row:
    """One client. `probability` is None for a client in the holdout, `money` and `ltv` when unknown."""

    client_id: str
    kind: Literal["scored", "held"]
    probability: float | None
    percent: str
    high: bool
    money: float | None
    ltv: float | None
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]
    arm: str
    model: str
    seen_words: str


@dataclass(frozen=True, slots=True)
class Order:
    """A way to order the rows; `column` is where it shows in the table."""

    name: str
    label: str
    column: str
    key: Callable[[Answer], float | None] | None


ORDERS = (
    Order("money", "Most money at risk first", "Money at risk", lambda a: a.money_at_risk),
    Order("probability", "Most likely to leave first", "Probability of leaving", lambda a: a.prediction),
    Order("ltv", "Highest lifetime value first", "Lifetime value", lambda a: a.ltv),
    Order("entered", "As entered", "", None),
)


def order_named(name: str) -> Order:
    """The order of that name, or the first."""
    return next((order for order in ORDERS if order.name == name), ORDERS[0])


def rows(answers: Sequence[Answer], order: Order) -> list[Row]:
    """One row for each answer; what is unknown comes last."""
    scale = scale_of(answer.reasons for answer in answers)
    return [_row(answer, scale) for answer in _sorted(answers, order.key)]


def _sorted(answers: Sequence[Answer], key: Callable[[Answer], float | None] | None) -> list[Answer]:
    if key is None:
        return list(answers)
    known = [(value, answer) for answer in answers if (value := key(answer)) is not None]
    unknown = [answer for answer in answers if key(answer) is None]
    return [answer for _, answer in sorted(known, key=lambda pair: -pair[0])] + unknown


def _row(answer: Answer, scale: float) -> Row:
    probability = answer.prediction
    return Row(
        client_id=answer.client_id,
        kind="held" if probability is None else "scored",
        probability=probability,
        percent="" if probability is None else percent(probability),
        high=answer.high_risk == "yes",
        money=answer.money_at_risk,
        ltv=answer.ltv,
        reasons=bars(answer.reasons, scale),
        cautions=tuple(str(warning["message"]) for warning in answer.warnings),
        arm=answer.arm.capitalize(),
        model="" if probability is None else f"{label(answer.model)} {answer.model_version}",
        seen_words=times_seen(answer.recent_times_id_seen),
    )
