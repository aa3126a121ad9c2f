"""Answers as the rows of a page: what to show, in which order, and how long each bar is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from endpoints.wording import effect_words, label, percent, times_seen, value_words
from services.answers import Answer

HALF = 50.0
SMALLEST_SCALE = 0.5  # log-odds: a lone tiny effect must not fill its bar


@dataclass(frozen=True, slots=True)
class Reason:
    """`start` and `width` are in a box 100 wide with the axis in its middle."""

    text: str
    words: str
    raises: bool
    start: float
    width: float


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
    scale = max([abs(r["effect"]) for a in answers for r in a.reasons] + [SMALLEST_SCALE])
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
        reasons=tuple(_reason(reason, scale) for reason in answer.reasons),
        cautions=tuple(str(warning["message"]) for warning in answer.warnings),
        arm=answer.arm.capitalize(),
        model="" if probability is None else f"{label(answer.model)} {answer.model_version}",
        seen_words=times_seen(answer.recent_times_id_seen),
    )


def _reason(reason: Mapping[str, Any], scale: float) -> Reason:
    effect = float(reason["effect"])
    width = round(HALF * min(abs(effect) / scale, 1.0), 2)
    return Reason(
        text=f"{label(reason['feature'])} is {value_words(reason['value'])}",
        words=effect_words(effect),
        raises=effect > 0,
        start=HALF if effect > 0 else HALF - width,
        width=width,
    )
