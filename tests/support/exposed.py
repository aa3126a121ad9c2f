"""Clients who met an experiment, and what became of them, inserted as rows."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Engine, insert

from data.tables import config, exposure_scores, exposures, model_logs, outcomes
from helpers.ids import new_id

MATURITY = timedelta(days=30)
LTV = 500.0


@dataclass(frozen=True, slots=True)
class Group:
    """The clients of one arm: `matured` of them are, `churned` of whom left; as many more are `fresh`."""

    arm: str
    model: str
    matured: int
    churned: int
    fresh: int = 0
    silent: str = ""


def configure_at(engine: Engine, at: datetime, author: str = "anna", reason: str = "to see", **values: Any) -> None:
    """Config rows that were written at that time."""
    rows = [
        {
            "meta__inserted_at": at,
            "config_key": key,
            "config_value": value if isinstance(value, str) else orjson.dumps(value).decode(),
            "author": author,
            "reason": reason,
        }
        for key, value in values.items()
    ]
    with engine.begin() as connection:
        connection.execute(insert(config), rows)


def expose(engine: Engine, experiment: str, groups: Sequence[Group], start: datetime, now: datetime) -> None:
    """The clients come evenly from `start` on: the matured ones early enough, the fresh ones in the last 29 days."""
    drawn = random.Random(experiment)
    met: list[dict[str, Any]] = []
    silent: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    for group in groups:
        for number, first_at in enumerate(_times(group, start, now)):
            client = _exposure(experiment, group, number, first_at, drawn)
            met.append(client)
            if group.silent:
                silent.append(_silent(client, group.silent, drawn))
            if number < group.churned:
                reports.append(_left(client, first_at + timedelta(days=drawn.uniform(1, 29))))
    with engine.begin() as connection:
        answers = [_answer(client) for client in met]
        for table, rows in ((exposures, met), (exposure_scores, silent), (outcomes, reports), (model_logs, answers)):
            if rows:
                connection.execute(insert(table), rows)


def _times(group: Group, start: datetime, now: datetime) -> Iterator[datetime]:
    old = now - MATURITY - timedelta(days=1) - start
    for number in range(group.matured):
        yield start + old * (number * 7919 % group.matured / group.matured)
    for number in range(group.fresh):
        yield now - timedelta(days=29) * ((number + 1) / group.fresh)


def _exposure(experiment: str, group: Group, number: int, at: datetime, drawn: random.Random) -> dict[str, Any]:
    """Who leaves has the higher score, mostly."""
    score = drawn.betavariate(3, 9) if number < group.churned else drawn.betavariate(1.5, 18)
    return {
        "experiment": experiment,
        "client_id": f"{experiment}-{group.arm}-{group.model}-{number}",
        "first_at": at,
        "prediction_id": new_id(),
        "arm": group.arm,
        "model": group.model,
        "score": score,
        "ltv": LTV * drawn.uniform(0.5, 1.5),
    }


def _answer(client: dict[str, Any]) -> dict[str, Any]:
    """The row of the ledger."""
    model, _, version = client["model"].partition("@")
    kept = {name: client[name] for name in ("prediction_id", "client_id", "arm", "experiment", "ltv")}
    facts = {"config_revision": 1, "cutoff": 0.5, "response_time": 0.002, "input": {}, "output": {}}
    scored = {
        "model": model,
        "model_version": version,
        "prediction": client["score"],
        "high_risk": False,
        "silent_scores": {},
    }
    return {**kept, **facts, **scored, "answered_at": client["first_at"]}


def _silent(client: dict[str, Any], model: str, drawn: random.Random) -> dict[str, Any]:
    kept = {name: client[name] for name in ("experiment", "client_id", "first_at", "prediction_id")}
    return {**kept, "model": model, "score": min(1.0, client["score"] * drawn.uniform(0.6, 1.4))}


def _left(client: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "outcome_id": new_id(),
        "client_id": client["client_id"],
        "prediction_id": None,
        "churned": True,
        "observed_at": at,
        "recorded_at": at,
        "source": "test",
    }
