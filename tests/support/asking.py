"""Answers of the real application, in the ledger."""

from collections.abc import Sequence
from typing import Any

from apiflask import APIFlask

from tests.support.deployment import TOKEN


def ask_many(app: APIFlask, customers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to a batch, once each has its row in the ledger."""
    instances = [{"key": place, **each} for place, each in enumerate(customers)]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    reply = app.test_client().post("/v1/predict/batch", json={"instances": instances}, headers=headers)
    assert reply.status_code == 200
    assert app.extensions["holdfast"].shipper.flush(20)
    answers: list[dict[str, Any]] = reply.get_json()["answers"]
    assert [each for each in answers if "error" in each] == []
    return answers


def ask(app: APIFlask, **customer: Any) -> dict[str, Any]:
    """The answer to one customer."""
    return ask_many(app, [customer])[0]
