"""The request model of a trained table, built at run time from its schema."""

import keyword
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from modeling.schema import Feature, TableSchema

LARGEST = 1e30  # a number beyond it does not fit the model's 32-bit input
LONGEST = 1_000
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class Customer(BaseModel):
    """What every input model is: its values are plain, none holds another model."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


def input_model(schema: TableSchema) -> type[BaseModel]:
    """A frozen pydantic model with one field a feature, under the feature's own name (by alias where
    Python could not spell it), for `model_validate` and `model_validate_json`.

    Nothing is converted: numbers are finite numbers, booleans `true` or `false`, categories and dates text.
    Unknown fields are refused. A feature with gaps in training may be null or left out; any other may not.
    """
    fields = {_field_name(f, i): (_annotation(f, schema), _field(f)) for i, f in enumerate(schema.features)}
    example: dict[str, Any] = {feature.name: feature.default for feature in schema.features}
    made: type[BaseModel] = create_model(
        "Customer",
        __base__=Customer,
        __cls_kwargs__={"title": f"Customer of {schema.table}", "json_schema_extra": {"examples": [example]}},
        **fields,
    )  # type: ignore[call-overload]
    return made


def values_of(data: BaseModel) -> Mapping[str, Any]:
    """The values of an input model under the feature names of the table; to be read only."""
    return data.__dict__ if _spelled_alike(type(data)) else data.model_dump(by_alias=True)


@lru_cache(maxsize=64)
def _spelled_alike(model: type[BaseModel]) -> bool:
    """Whether the attributes of a customer are its values already: Python can spell every column."""
    return issubclass(model, Customer) and all(name == field.alias for name, field in model.model_fields.items())


def _field_name(feature: Feature, position: int) -> str:
    """The feature's own name where it can be an attribute, else one of ours."""
    name = feature.name
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and not keyword.iskeyword(name)
    free = not hasattr(BaseModel, name) and not name.startswith("model_")
    return name if plain and free else f"feature_{position}_"


def _annotation(feature: Feature, schema: TableSchema) -> Any:
    kind = _category(feature, schema) if feature.kind == "category" else _PLAIN[feature.kind]
    return kind | None if feature.nullable else kind


def _category(feature: Feature, schema: TableSchema) -> Any:
    return Literal[feature.categories] if schema.strict and feature.categories else _TEXT


def _field(feature: Feature) -> FieldInfo:
    settings: dict[str, Any] = {"alias": feature.name, "title": feature.name}
    if feature.nullable:
        settings["default"] = None
    if feature.description:
        settings["description"] = feature.description
    if feature.default is not None:
        settings["examples"] = [feature.default]
    made: FieldInfo = Field(**settings)
    return made


def _calendar_date(text: str) -> str:
    date.fromisoformat(text)
    return text


_TEXT = Annotated[str, Field(strict=True, max_length=LONGEST, pattern=PRINTABLE)]
_NUMBER = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
_ISO = Field(strict=True, pattern=ISO_DATE, json_schema_extra={"format": "date"})
_DATE = Annotated[str, _ISO, AfterValidator(_calendar_date)]
_PLAIN: dict[str, Any] = {"number": _NUMBER, "boolean": Annotated[bool, Field(strict=True)], "date": _DATE}
