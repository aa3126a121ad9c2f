"""Customers of any trained table, different from one another, for the tables of the service."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from data.feature_store import Customer, LifetimeValue, replace_customers, replace_ltvs
from modeling.features import Feature, TableSchema

LONG_ID = "long-" + "W" * 185
IDS = tuple(f"{1000 + 7 * number}-KELP" for number in range(8))


def customer_fields(schema: TableSchema, number: int) -> dict[str, Any]:
    """The `number`-th customer: each feature takes another of the values that the table had."""
    return {feature.name: _value(feature, number + place) for place, feature in enumerate(schema.features)}


def fill_tables(app: Flask, schema: TableSchema, *, more: Mapping[str, dict[str, Any]] | None = None) -> None:
    """Customers `IDS`, all but the last with a lifetime value, and `more` by id."""
    wiring = app.extensions["holdfast"]
    now = wiring.clock.now()
    known = {client_id: customer_fields(schema, number) for number, client_id in enumerate(IDS)}
    rows = [Customer(client_id, fields, None, now) for client_id, fields in {**known, **(more or {})}.items()]
    values = [LifetimeValue(each, 400.0 * (place + 1), "test", now) for place, each in enumerate(IDS[:-1])]
    with wiring.engine.begin() as connection:
        replace_customers(connection, rows)
        replace_ltvs(connection, values)


def wordy_fields(schema: TableSchema) -> dict[str, Any]:
    """A customer whose categories are as long as they may be, in one word."""
    typical = customer_fields(schema, 0)
    return {f.name: "m" * 1_000 if f.kind == "category" else typical[f.name] for f in schema.features}


def _value(feature: Feature, turn: int) -> Any:
    if feature.kind == "boolean":
        return turn % 2 == 0
    if feature.categories:
        return feature.categories[turn % len(feature.categories)]
    if feature.kind == "number" and feature.minimum is not None and feature.maximum is not None:
        number = feature.minimum + (feature.maximum - feature.minimum) * (turn % 5) / 4
        return float(round(number)) if feature.integer else number
    return feature.default
