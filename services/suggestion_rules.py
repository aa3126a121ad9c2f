"""What may stand in a suggestion, and the one way to write it."""

import math
import re
from collections.abc import Mapping
from typing import Any

from data.suggestion_store import Suggestion
from helpers.errors import UserError
from modeling.features import Feature, TableSchema

KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
LONGEST_NAME = 100
LONGEST_VALUE = 190
LONGEST_ADVICE = 500


class SuggestionRefused(UserError):
    """A suggestion that cannot be kept. `problems` maps a field to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in problems.items()), next(iter(problems)))
        self.problems = dict(problems)


def nameable(schema: TableSchema) -> list[Feature]:
    """The features that a suggestion can be for."""
    return [feature for feature in schema.features if len(feature.name) <= LONGEST_NAME]


def spelled(value: Any) -> str | None:
    """A feature's value as a suggestion has it: `yes`, `3`, `2.5`, `Monthly`; nothing for a gap."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.15g}"
    return None if value is None else str(value).strip()


def checked(schema: TableSchema, row: Suggestion) -> Suggestion:
    """The suggestion in the one way to write it. Raises SuggestionRefused naming all that is wrong."""
    problems: dict[str, str] = {}
    feature = next((each for each in nameable(schema) if each.name == row.feature), None)
    value = row.value and row.value.strip()
    if row.feature is not None and feature is None:
        problems["feature"] = "is no column of the model in charge; choose one of the list"
    if value and row.feature is None:
        problems["value"] = "needs a reason that it is a value of; choose one, or leave the value empty"
    if value and feature is not None:
        value, wrong = _value(feature, value)
        problems |= {"value": wrong} if wrong else {}
    if not KIND.fullmatch(row.kind):
        problems["kind"] = "must be 1 to 40 small letters, digits, hyphens and underscores, such as call"
    advice = " ".join(row.advice.split())
    if not 1 <= len(advice) <= LONGEST_ADVICE or not advice.isprintable():
        problems["advice"] = f"must be a sentence of 1 to {LONGEST_ADVICE} characters"
    if problems:
        raise SuggestionRefused(problems)
    return Suggestion(row.id, row.feature, value or None, row.kind, advice)


def _value(feature: Feature, text: str) -> tuple[str, str]:
    """The value as `spelled` has it, and what is wrong with it, if anything is."""
    if len(text) > LONGEST_VALUE or not text.isprintable():
        return text, f"must be at most {LONGEST_VALUE} characters"
    if feature.kind == "boolean":
        found = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}.get(text.lower())
        return found or text, "" if found else "must be yes or no"
    if feature.kind == "number":
        return _number(text)
    return text, ""


def _number(text: str) -> tuple[str, str]:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    return (spelled(number) or text, "") if math.isfinite(number) else (text, "must be a number, such as 3 or 2.5")
