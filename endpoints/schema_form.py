"""A form made from the schema of the trained table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from endpoints.wording import label, value_words
from modeling.features import Feature, TableSchema

PREFIX = "f."
GAP = ""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `value` and `choices` are text, as HTML has them."""

    id: str
    name: str
    label: str
    widget: Literal["number", "date", "select", "switch", "text"]
    value: str
    choices: tuple[Choice, ...]
    step: str
    required: bool
    hint: str
    error: str


def fields(schema: TableSchema, texts: Mapping[str, str], errors: Mapping[str, str]) -> list[Field]:
    """The inputs, filled with `texts`, with what is wrong beside each; both by feature name."""
    return [
        _field(i, feature, texts.get(feature.name, GAP), errors.get(feature.name, ""))
        for i, feature in enumerate(schema.features)
    ]


def widget(feature: Feature) -> Literal["number", "date", "select", "switch", "text"]:
    if feature.kind == "number":
        return "number"
    if feature.kind == "date":
        return "date"
    if feature.kind == "boolean":
        return "select" if feature.nullable else "switch"
    return "select" if feature.categories else "text"


def _field(position: int, feature: Feature, text: str, error: str) -> Field:
    return Field(
        id=f"feature-{position}",
        name=PREFIX + feature.name,
        label=label(feature.name),
        widget=widget(feature),
        value=text,
        choices=_choices(feature, text),
        step=("1" if feature.integer else "any") if feature.kind == "number" else "",
        required=not feature.nullable and feature.kind in ("number", "date"),
        hint=_hint(feature),
        error=error,
    )


def _choices(feature: Feature, text: str) -> tuple[Choice, ...]:
    """The categories of the training table, and a value that is none of them where a customer has one."""
    if widget(feature) != "select":
        return ()
    gap = [Choice(GAP, "unknown")] if feature.nullable else []
    if feature.kind == "boolean":
        return (*gap, Choice("true", "yes"), Choice("false", "no"))
    odd = [Choice(text, text)] if text and text not in feature.categories else []
    return (*gap, *odd, *(Choice(each, each if each.strip() else "blank") for each in feature.categories))


def _hint(feature: Feature) -> str:
    """What a number was in training; the other inputs show what can be chosen."""
    if feature.minimum is not None and feature.maximum is not None:
        seen = f"Trained on {value_words(feature.minimum)} to {value_words(feature.maximum)}"
        return f"{seen}; may be left empty" if feature.nullable else seen
    return ""
