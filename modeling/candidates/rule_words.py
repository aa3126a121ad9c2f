"""Says a rule in words."""

from itertools import pairwise
from math import inf

from modeling.rule_cells import Column
from modeling.schema import Feature, TableSchema

LISTED = 6


def words(column: Column, place: int, schema: TableSchema) -> str:
    """`tenure below 12`, `Contract is One year or Two year`, …"""
    feature = schema.features[column.position]
    low, high = list(pairwise((-inf, *column.edges, inf)))[place]
    said = _category(feature, low, high) if feature.kind == "category" else _number(feature, low, high, schema)
    return f"{said} or missing" if feature.nullable and column.missing == place else said


def _category(feature: Feature, low: float, high: float) -> str:
    names = [name for code, name in enumerate(feature.categories, start=1) if low <= code < high]
    more = [f"{len(names) - LISTED} more"] if len(names) > LISTED else []
    return f"{feature.name} is {' or '.join([*names[:LISTED], *more])}"


def _number(feature: Feature, low: float, high: float, schema: TableSchema) -> str:
    if feature.kind == "boolean":
        return f"{feature.name} is {'true' if low > -inf else 'false'}"
    unit = f" days before {schema.reference_date}" if feature.kind == "date" else ""
    if low == -inf:
        return f"{feature.name} below {high:g}{unit}"
    if high == inf:
        return f"{feature.name} at least {low:g}{unit}"
    return f"{feature.name} from {low:g} to below {high:g}{unit}"
