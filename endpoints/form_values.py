"""The way between the text in a form and the values that the input model takes."""

from collections.abc import Iterable, Mapping
from typing import Any

from endpoints.schema_form import GAP, PREFIX, widget
from modeling.features import Feature, TableSchema


def typical(schema: TableSchema) -> dict[str, Any]:
    """A typical customer: the default of every feature."""
    return {feature.name: feature.default for feature in schema.features}


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Typed values as an HTML form has them."""
    return {name: _text(value) for name, value in values.items()}


def posted_texts(schema: TableSchema, form: Mapping[str, str]) -> dict[str, str]:
    """The text of every feature in a posted form. A switch that is off is not posted at all."""
    return {f.name: form.get(PREFIX + f.name, _when_absent(f)) for f in schema.features}


def typed_values(schema: TableSchema, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values that the input model takes. Text that is no number stays text, for the model to refuse."""
    return {feature.name: _typed(feature, texts[feature.name]) for feature in schema.features}


def messages(schema: TableSchema, problems: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """pydantic's `errors()` in words, by feature name."""
    by_name = {feature.name: feature for feature in schema.features}
    names = [(str(problem["loc"][0]), problem) for problem in problems]
    return {name: _message(by_name[name], problem) for name, problem in names if name in by_name}


def _text(value: Any) -> str:
    if value is None:
        return GAP
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _when_absent(feature: Feature) -> str:
    return "false" if widget(feature) == "switch" else GAP


def _typed(feature: Feature, text: str) -> Any:
    if text == GAP and (feature.nullable or feature.kind in ("number", "date")):
        return None
    if feature.kind == "number":
        return _number(text)
    if feature.kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _message(feature: Feature, problem: Mapping[str, Any]) -> str:
    if problem.get("input") is None:
        return "Must be filled in: the training table had no gaps here."
    if feature.kind == "number":
        return "Must be a number, such as 12 or 12.5."
    if feature.kind == "date":
        return "Must be a date, such as 2026-01-31."
    return str(problem["msg"])
