"""Reasons as a page shows them: in words, and as bars to one scale."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endpoints.wording import effect_words, label, value_words

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


def scale_of(many: Iterable[Sequence[Mapping[str, Any]]]) -> float:
    """The effect, in log-odds, that fills half a bar, for the reasons of all clients on a page."""
    return max([abs(float(reason["effect"])) for reasons in many for reason in reasons] + [SMALLEST_SCALE])


def bars(reasons: Sequence[Mapping[str, Any]], scale: float) -> tuple[Reason, ...]:
    return tuple(_bar(reason, scale) for reason in reasons)


def in_words(reasons: Iterable[Mapping[str, Any]]) -> str:
    """All in one line, for files."""
    return "; ".join(f"{_text(reason)}: {effect_words(float(reason['effect']))}" for reason in reasons)


def _bar(reason: Mapping[str, Any], scale: float) -> Reason:
    effect = float(reason["effect"])
    width = round(HALF * min(abs(effect) / scale, 1.0), 2)
    return Reason(
        text=_text(reason),
        words=effect_words(effect),
        raises=effect > 0,
        start=HALF if effect > 0 else HALF - width,
        width=width,
    )


def _text(reason: Mapping[str, Any]) -> str:
    return f"{label(reason['feature'])} is {value_words(reason['value'])}"
