"""Models that other people write: any `MLModel` class, named by its path."""

import types
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from modeling.artifacts import ModelRefused
from modeling.interface import MLModel
from modeling.schema import Feature, Kind, TableSchema

KINDS: dict[Any, Kind] = {bool: "boolean", int: "number", float: "number", str: "category"}


def import_model(path: str) -> MLModel:
    """An instance of the class at `package.module:Class`. Raises ModelRefused when it is no model."""
    module_name, _, class_name = path.partition(":")
    try:
        made = getattr(import_module(module_name), class_name)()
    except Exception as error:
        raise ModelRefused(
            f"MODEL_CLASSES: {path!r} cannot be made: {error!r}; mend the path", "MODEL_CLASSES"
        ) from error
    if not isinstance(made, MLModel):
        raise ModelRefused(f"MODEL_CLASSES: {path!r} is not an MLModel", "MODEL_CLASSES")
    return made


def schema_of(model: MLModel) -> TableSchema:
    """A table schema for the model's own input schema, so that it can be served and shown like any other.

    A field that is neither a number, a text, a boolean nor a choice of texts is shown as text.
    """
    fields = model.input_schema.model_fields
    features = tuple(_feature(field.alias or name, field) for name, field in fields.items())
    return TableSchema(model.qualified_name, "client_id", "", "", features)


def _feature(name: str, field: FieldInfo) -> Feature:
    given = _alternatives(field.annotation)
    kinds = [one for one in given if one is not type(None)]
    choices = tuple(str(value) for one in kinds if get_origin(one) is Literal for value in get_args(one))
    kind = "category" if choices or not kinds else KINDS.get(kinds[0], "category")
    default = None if field.is_required() else field.get_default()
    example = (field.examples or [default])[0]
    nullable = type(None) in given
    return Feature(
        name,
        kind,
        nullable,
        choices,
        example,
        integer=kinds[:1] == [int],
        description=field.description or "",
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if union else (annotation,)
