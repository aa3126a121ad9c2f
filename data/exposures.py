"""Exposures: each client's first answer in an experiment, and what other models said silently at that answer.

Answers arrive in any order and more than once: the earliest counts, at the same instant the one with the lower
`prediction_id`. The permanent holdout is an experiment of its own in each month (UTC), for every client.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, select, update

from data.dialect import chunks, insert_or_hold
from data.ledger_row import LedgerRow, age
from data.tables import HOLDOUT_ARM, exposure_scores, exposures, model_logs

TREATED_ARM = "treated"

Place = tuple[str, str]
"""An experiment and a client."""
First = Mapping[Place, LedgerRow]


def monthly_holdout(at: datetime) -> str:
    """The permanent holdout's name as the experiment of that month."""
    utc = at.astimezone(UTC)
    return f"{HOLDOUT_ARM}/{utc.year}-{utc.month:02}"


def keep(connection: Connection, rows: Iterable[LedgerRow]) -> None:
    """Makes each row an exposure where it is its client's first so far. The rows must be in the ledger already."""
    first = {place: row for row in sorted(rows, key=age, reverse=True) for place in _places(row)}
    for places in chunks(sorted(first)):
        given = {place: first[place] for place in places}
        if not _all_older(connection, given):
            _keep(connection, given)


def _keep(connection: Connection, given: First) -> None:
    """What is written is decided while nobody else can write it."""
    known = _ages(connection, given)
    new = {place: row for place, row in given.items() if place not in known or age(row) < known[place]}
    if not new:
        return
    insert_or_hold(connection, exposures, [_exposure(place, row) for place, row in new.items()])
    held = _ages(connection, new)
    later = {place: old for place, (_at, old) in held.items() if age(new[place]) < held[place]}
    if later:
        _forget_scores(connection, later)
        _replace(connection, [_exposure(place, new[place]) for place in later])
    won = [(place, row) for place, row in new.items() if age(row) <= held[place]]
    insert_or_hold(connection, exposure_scores, [score for place, row in won for score in _scores(place, row)])


def _places(row: LedgerRow) -> list[Place]:
    names = (monthly_holdout(row.answered_at), row.experiment)
    return [(name, row.client_id) for name in names if name is not None]


def _ages(connection: Connection, places: Iterable[Place]) -> dict[Place, tuple[datetime, str]]:
    """The age of the exposure that each place has by now. MariaDB takes quadratic time to plan a search for pairs, so
    each experiment is asked for by itself."""
    return {
        (experiment, client_id): (first_at, prediction_id)
        for experiment, clients in _by_experiment(places).items()
        for client_id, first_at, prediction_id in connection.execute(_AGES, {"name": experiment, "clients": clients})
    }


def _all_older(connection: Connection, given: First) -> bool:
    """Whether each place has an exposure that is older than all of these rows: most have, and to count costs less than
    to read each one's age."""
    first_at = min(row.answered_at for row in given.values())
    return all(
        connection.scalar(_OLDER, {"name": experiment, "clients": clients, "at": first_at}) == len(clients)
        for experiment, clients in _by_experiment(given).items()
    )


def _by_experiment(places: Iterable[Place]) -> dict[str, list[str]]:
    clients: dict[str, list[str]] = defaultdict(list)
    for experiment, client_id in places:
        clients[experiment].append(client_id)
    return clients


def _replace(connection: Connection, earlier: list[dict[str, Any]]) -> None:
    connection.execute(update(exposures).where(*_same(exposures)), [{**row, **_key(exposures, row)} for row in earlier])


def _forget_scores(connection: Connection, replaced: Mapping[Place, str]) -> None:
    """Takes away what was said silently at answers that are no longer the first: the ledger knows which models did."""
    wanted = select(model_logs.c.prediction_id, model_logs.c.silent_scores)
    rows = connection.execute(wanted.where(model_logs.c.prediction_id.in_(replaced.values())))
    said = {prediction_id: list(scores) for prediction_id, scores in rows}
    keys = [
        _key(exposure_scores, {"experiment": experiment, "model": model, "client_id": client_id})
        for (experiment, client_id), old in replaced.items()
        for model in said.get(old, ())
    ]
    if keys:
        connection.execute(delete(exposure_scores).where(*_same(exposure_scores)), keys)


def _same(table: Table) -> list[ColumnElement[bool]]:
    return [column == bindparam(f"key_{column.name}") for column in table.primary_key]


def _key(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"key_{column.name}": row[column.name] for column in table.primary_key}


def _exposure(place: Place, row: LedgerRow) -> dict[str, Any]:
    experiment, client_id = place
    monthly = experiment == monthly_holdout(row.answered_at)
    model = _model(row)
    return {
        "experiment": experiment,
        "client_id": client_id,
        "first_at": row.answered_at,
        "prediction_id": row.prediction_id,
        "arm": TREATED_ARM if monthly and row.arm != HOLDOUT_ARM else row.arm,
        "model": model,
        "score": row.silent_scores.get(model) if row.arm == HOLDOUT_ARM else row.prediction,
        "ltv": row.ltv,
    }


def _scores(place: Place, row: LedgerRow) -> Iterator[dict[str, Any]]:
    for model, score in row.silent_scores.items():
        if score is not None and model != _model(row):
            yield {
                "experiment": place[0],
                "model": model,
                "client_id": place[1],
                "first_at": row.answered_at,
                "prediction_id": row.prediction_id,
                "score": score,
            }


def _model(row: LedgerRow) -> str:
    return f"{row.model}@{row.model_version}"


_C = exposures.c
_OF_THESE = (_C.experiment == bindparam("name"), _C.client_id.in_(bindparam("clients", expanding=True)))
_AGES = select(_C.client_id, _C.first_at, _C.prediction_id).where(*_OF_THESE)
_OLDER = select(func.count()).where(*_OF_THESE, _C.first_at < bindparam("at"))
