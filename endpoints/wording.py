"""How values read on a page."""

import math
import re
from typing import Any

BARELY = 1.05
HUGE = 100.0
NOT_TOLD = "The other processes could not be told, because Redis does not answer: they follow within the hour."
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.\s]+")


def percent(probability: float) -> str:
    """A probability as a percentage with at most one decimal: 0.6312 is 63.1%."""
    return f"{100 * probability:.1f}".removesuffix(".0") + "%"


def money(amount: float) -> str:
    """An amount in the table's currency, whole from 10 on."""
    return f"{amount:,.0f}" if abs(amount) >= 10 else f"{amount:,.2f}"


def label(name: str) -> str:
    """A column's name as people write: `MonthlyCharges` is Monthly charges, `StreamingTV` Streaming TV."""
    words = [word for word in _WORD_ENDS.split(name) if word]
    plain = [word if len(word) > 1 and word.isupper() else word.lower() for word in words]
    text = " ".join(plain) or name
    return text[:1].upper() + text[1:]


def value_words(value: Any) -> str:
    """A feature's value: yes and no for booleans, unknown for a gap, numbers with separators."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return str(value) if str(value).strip() else "blank"


def effect_words(effect: float) -> str:
    """What an effect in log-odds does to the odds of leaving: 0.69 is `raises ×2`, -0.69 `lowers ÷2`."""
    factor = math.exp(min(abs(effect), 50.0))
    if factor < BARELY:
        return "hardly any"
    shown = f"{factor:.1f}".removesuffix(".0") if factor < HUGE else "100+"
    return f"raises ×{shown}" if effect > 0 else f"lowers ÷{shown}"


def times_seen(count: int | None) -> str:
    """How often a client was scored lately, before this time."""
    if count is None:
        return "Seen before: unknown"
    return {0: "First time seen", 1: "Seen once before"}.get(count, f"Seen {count:,} times before")
