"""Clients that are known and were answered of late: those on whom a change is rehearsed."""

from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from data import feature_store
from data.tables import client_latest

LOOKED_AT = 4  # times as many answered clients as are wanted: not all of them need be in the customer table


def golden_customers(connection: Connection, limit: int) -> dict[str, dict[str, Any]]:
    """The attributes of at most `limit` customers by id: those answered last, and then the first by id."""
    latest = client_latest.c
    answered = select(latest.client_id).order_by(latest.answered_at.desc(), latest.client_id).limit(limit * LOOKED_AT)
    newest = list(connection.scalars(answered))
    found = feature_store.customers(connection, newest)
    ids = [client_id for client_id in newest if client_id in found]
    if len(ids) < limit:
        first = feature_store.customer_ids(connection, limit)
        found |= feature_store.customers(connection, first)
        ids += [client_id for client_id in first if client_id not in set(ids)]
    return {client_id: found[client_id] for client_id in islice(ids, limit)}
