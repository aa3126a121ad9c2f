"""Plays an experiment through the real service: clients are scored, contacted as their arm says, and reported on."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np

from benchmarks.population import Population
from data.feature_store import LifetimeValue, replace_ltvs
from tests.support.deployment import Deployment
from tests.support.traffic import post_all, session

ROWS_A_CALL = 1_000
SCORED_A_CALL, CALLERS = 250, 2  # more at once, and lifetime values come too late for some answers
WRONG_AT_FIRST, TOLD_TWICE, TOLD_BY_PREDICTION = 0.05, 0.1, 0.5
HOLDOUT = "holdout"
Row = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment to play: the config that it needs, and by which share a contact lowers the probability of leaving
    in each arm."""

    name: str
    seed: int
    arms: Mapping[str, float]
    lifts: Mapping[str, float]
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Played:
    """The readout, as the service gives it, and what it must have counted: clients and leavers of each arm. `told` is
    what was posted, by path."""

    readout: Row
    told: Mapping[str, list[Row]]
    clients: Mapping[str, int]
    churned: Mapping[str, int]
    seconds: Mapping[str, float]


def play(service: Deployment, plan: Plan, population: Population) -> Played:
    """One experiment from its start to its readout."""
    marks = [time.monotonic()]
    begun = datetime.now(UTC)
    _configure(service, plan, population)
    answers = _score(service, population)
    marks.append(time.monotonic())
    left = _left(plan, population, answers)
    told = {"/actions": _actions(answers), "/outcomes": _reports(answers, left, begun, plan.seed)}
    for path, rows in told.items():
        tell(service, path, rows)
    marks.append(time.monotonic())
    readout = read(service, plan.name)
    marks.append(time.monotonic())
    arms = [answer["arm"] for answer in answers]
    churned = Counter(arm for arm, gone in zip(arms, left, strict=True) if gone)
    seconds = dict(zip(("scored", "told", "read"), np.diff(marks).round(2).tolist(), strict=True))
    return Played(readout, told, Counter(arms), churned, seconds)


def read(service: Deployment, name: str) -> Row:
    with session() as own:
        answer = own.get(f"{service.url}/v1/experiments/{name}/readout", timeout=60)
    answer.raise_for_status()
    found: Row = answer.json()
    return found


def tell(service: Deployment, path: str, rows: Sequence[Row]) -> Counter[str]:
    """Posts the rows by the thousand; how many had which status. Raises SystemExit when one was refused."""
    results = [result for reply in _post(service, path, _parts(rows, ROWS_A_CALL)) for result in reply["results"]]
    refused = [result for result in results if result.get("status") not in {"recorded", "known"}]
    if refused:
        raise SystemExit(f"Error: {path} refused {len(refused)} rows: {refused[0]}")
    return Counter(result["status"] for result in results)


def _reports(answers: Sequence[Row], left: Sequence[bool], begun: datetime, seed: int) -> list[Row]:
    """What a CRM may send of these clients: in no order, some twice, some wrong at first, some by their prediction."""
    random = np.random.default_rng(seed)
    earlier, now = begun.isoformat(), datetime.now(UTC).isoformat()
    told = []
    for answer, gone in zip(answers, left, strict=True):
        name = "prediction_id" if random.random() < TOLD_BY_PREDICTION else "client_id"
        last = {name: answer[name], "churned": gone, "observed_at": now}
        wrong = {"client_id": answer["client_id"], "churned": not gone, "observed_at": earlier}
        told += [last, *([wrong] if random.random() < WRONG_AT_FIRST else [])]
        told += [last] if random.random() < TOLD_TWICE else []
    return [told[place] for place in random.permutation(len(told))]


def _configure(service: Deployment, plan: Plan, population: Population) -> None:
    now = datetime.now(UTC)
    pairs = zip(population.ids, population.values.tolist(), strict=True)
    with service.engine.begin() as connection:
        replace_ltvs(connection, (LifetimeValue(client_id, value, "made up", now) for client_id, value in pairs))
    experiment = {"name": plan.name, "salt": plan.name, "arms": dict(plan.arms)}
    service.configure(experiment=experiment, **plan.config)
    told = service.post("/config-refresh", {}).json()
    if told["problem"]:
        raise SystemExit(f"Error: {told['problem']}")


def _score(service: Deployment, population: Population) -> list[Row]:
    """The answers, in the order of the clients, once all are in the ledger."""
    before = service.scalar("select count(*) from model_logs")
    clients = zip(population.ids, population.bodies, strict=True)
    rows = [{"key": place, "client_id": own, **body} for place, (own, body) in enumerate(clients)]
    replies = _post(service, "/v1/predict/batch", [{"instances": some} for some in _parts(rows, SCORED_A_CALL)])
    answers = [answer for reply in replies for answer in reply["answers"]]
    refused = [answer for answer in answers if "error" in answer]
    if refused:
        raise SystemExit(f"Error: {len(refused)} clients were not scored: {refused[0]['error']}")
    service.wait_for("select count(*) from model_logs", before + len(rows), seconds=120)
    return answers


def _left(plan: Plan, population: Population, answers: Sequence[Row]) -> list[bool]:
    """Who leaves, given what was done to them."""
    lifts = np.array([plan.lifts[each["arm"]] if each["high_risk"] == "yes" else 0.0 for each in answers])
    found: list[bool] = (population.luck < population.chances * (1 - lifts)).tolist()
    return found


def _actions(answers: Sequence[Row]) -> list[Row]:
    now = datetime.now(UTC).isoformat()
    return [
        {"client_id": each["client_id"], "kind": "call", "at": now, "by": "sim", "prediction_id": each["prediction_id"]}
        for each in answers
        if each["high_risk"] == "yes"
    ]


def _post(service: Deployment, path: str, bodies: Iterable[Any]) -> list[Any]:
    replies = post_all(service.url, [(path, body) for body in bodies], threads=CALLERS)
    bad = [reply for reply in replies if not reply.ok]
    if bad:
        raise SystemExit(f"Error: {path} answered {bad[0].status_code}: {bad[0].text[:500]}")
    return [reply.json() for reply in replies]


def _parts(rows: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
