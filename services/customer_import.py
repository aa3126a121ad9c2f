"""Puts the customers of a trained table, and what they are worth, in the place of those stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from data import feature_store, model_store
from modeling.dataset import Dataset
from modeling.lifetime import Lifetimes, lifetimes
from modeling.schema import TableSchema

NO_VALUES = (
    "no lifetime values: no column says what a customer pays a period, so answers carry no money at risk; "
    "--value COL names it"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """How many customers and lifetime values were stored, and what there is to say about it."""

    customers: int
    lifetime_values: int
    note: str


def other_table(connection: Connection, champion_ref: str, schema: TableSchema) -> str | None:
    """Why the customers in the database belong to another table than this one, or None when they do not."""
    name, _, version = champion_ref.partition("@")
    champion = model_store.find(connection, name, version)
    if champion is None:
        return None
    theirs = (champion.card.get("id"), champion.card.get("target"), champion.card.get("table"))
    same = theirs == (schema.id, schema.target, schema.table)
    return None if same else f"the champion {champion_ref} serves another table, {theirs[2]}"


def store_customers(connection: Connection, dataset: Dataset, now: datetime) -> Stored:
    """Puts these customers and their lifetime values in the place of all others."""
    worth = lifetimes(dataset)
    rows = zip(dataset.ids, dataset.rows, dataset.y.tolist(), strict=True)
    customers = (feature_store.Customer(client_id, fields, bool(left), now) for client_id, fields, left in rows)
    values = () if worth is None else _valued(dataset, worth)
    ltvs = (feature_store.LifetimeValue(client_id, ltv, method, now) for client_id, ltv, method in values)
    return Stored(
        feature_store.replace_customers(connection, customers),
        feature_store.replace_ltvs(connection, ltvs),
        NO_VALUES if worth is None else f"lifetime values: {worth.said}",
    )


def left_alone(reason: str) -> Stored:
    return Stored(0, 0, f"customers left as they are: {reason}; promote these models to replace them")


def _valued(dataset: Dataset, worth: Lifetimes) -> Iterator[tuple[str, float, str]]:
    for client_id, value in zip(dataset.ids, worth.values.tolist(), strict=True):
        if np.isfinite(value):
            yield client_id, round(value, 2), worth.method
