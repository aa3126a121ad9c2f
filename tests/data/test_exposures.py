"""A client's first answer decides its arm, whatever the order in which answers arrive."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, Table, event, select

from data import prediction_log
from data.exposures import monthly_holdout
from data.ledger_row import LedgerRow
from data.tables import exposure_scores, exposures
from tests.support.ledger import NOON, row

SECOND = timedelta(seconds=1)
MONTH = "holdout/2026-11"


def write(engine: Engine, rows: Sequence[LedgerRow]) -> None:
    with engine.begin() as connection:
        prediction_log.append_many(connection, rows)


def everything(engine: Engine, table: Table) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key)).mappings()
        return [dict(each) for each in found]


def told(engine: Engine, experiment: str, *columns: str) -> list[tuple[Any, ...]]:
    found = [each for each in everything(engine, exposures) if each["experiment"] == experiment]
    return [tuple(each[name] for name in columns) for each in found]


def scores(engine: Engine, experiment: str) -> dict[str, float]:
    return {
        each["model"]: each["score"] for each in everything(engine, exposure_scores) if each["experiment"] == experiment
    }


def test_an_answer_is_an_exposure_of_its_experiment_and_of_the_month(engine: Engine) -> None:
    answered = row("anna")
    write(engine, [answered])
    common = {
        "client_id": "anna",
        "first_at": NOON,
        "prediction_id": answered.prediction_id,
        "model": "additive@3",
        "score": 0.6312,
        "ltv": 1420.5,
    }
    assert everything(engine, exposures) == [
        {**common, "experiment": "autumn", "arm": "champion"},
        {**common, "experiment": MONTH, "arm": "treated"},
    ]
    silent = {"client_id": "anna", "first_at": NOON, "prediction_id": answered.prediction_id, "score": 0.59}
    assert everything(engine, exposure_scores) == [
        {**silent, "experiment": "autumn", "model": "gradient_boosting@1"},
        {**silent, "experiment": MONTH, "model": "gradient_boosting@1"},
    ]


def test_in_the_holdout_the_silent_score_of_the_model_it_would_have_met_is_the_score(engine: Engine) -> None:
    held = {"arm": "holdout", "prediction": None, "high_risk": None, "money_at_risk": None, "experiment": None}
    write(engine, [row("anna", silent_scores={"additive@3": 0.2, "heuristic@1": 0.4, "other@1": None}, **held)])
    assert told(engine, MONTH, "arm", "model", "score") == [("holdout", "additive@3", 0.2)]
    assert scores(engine, MONTH) == {"heuristic@1": 0.4}
    assert {each["experiment"] for each in everything(engine, exposures)} == {MONTH}


def test_a_holdout_row_of_an_experiment_is_an_exposure_there_too(engine: Engine) -> None:
    write(engine, [row("anna", arm="holdout", prediction=None, silent_scores={})])
    assert told(engine, "autumn", "arm", "score") == [("holdout", None)]
    assert told(engine, MONTH, "arm", "score") == [("holdout", None)]


def test_without_an_experiment_only_the_month_counts(engine: Engine) -> None:
    write(engine, [row(experiment=None)])
    assert [each["experiment"] for each in everything(engine, exposures)] == [MONTH]


def test_later_answers_change_nothing(engine: Engine) -> None:
    first = row("anna")
    write(engine, [first])
    before = everything(engine, exposures), everything(engine, exposure_scores)
    later = row("anna", arm="challenger", model="other", answered_at=NOON + SECOND, silent_scores={"x@1": 0.1})
    write(engine, [later, first])
    assert (everything(engine, exposures), everything(engine, exposure_scores)) == before


def test_an_earlier_answer_that_arrives_late_takes_the_place_scores_and_all(engine: Engine) -> None:
    write(engine, [row("anna"), row("bert")])
    early = row(
        "anna",
        arm="challenger",
        model="gradient_boosting",
        prediction=0.1,
        answered_at=NOON - SECOND,
        silent_scores={"heuristic@1": 0.7},
    )
    write(engine, [early])
    columns = ("client_id", "prediction_id", "arm", "model", "score", "first_at")
    assert told(engine, "autumn", *columns)[0] == (
        "anna",
        early.prediction_id,
        "challenger",
        "gradient_boosting@3",
        0.1,
        NOON - SECOND,
    )
    assert told(engine, "autumn", "client_id", "arm")[1] == ("bert", "champion")
    silent = [(each["client_id"], each["model"]) for each in everything(engine, exposure_scores)]
    assert sorted(silent) == [("anna", "heuristic@1")] * 2 + [("bert", "gradient_boosting@1")] * 2


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_answers_at_one_instant_the_lower_id_is_first(engine: Engine, turned: bool) -> None:
    low, high = row("anna", arm="low"), row("anna", arm="high")
    assert low.prediction_id < high.prediction_id
    for each in (high, low) if turned else (low, high):
        write(engine, [each])
    assert told(engine, "autumn", "arm") == [("low",)]


def test_months_are_counted_in_utc_and_each_has_a_first_answer_of_its_own(engine: Engine) -> None:
    east = timezone(timedelta(hours=9))
    write(
        engine,
        [
            row("anna", answered_at=datetime(2026, 11, 30, 23, 59, 59, 999_999, UTC)),
            row("anna", answered_at=datetime(2026, 12, 1, 9, 0, tzinfo=east), arm="holdout"),
            row("anna", answered_at=datetime(2026, 12, 1, 8, 59, tzinfo=east)),
        ],
    )
    assert told(engine, MONTH, "first_at") == [(datetime(2026, 11, 30, 23, 59, tzinfo=UTC),)]
    assert told(engine, "holdout/2026-12", "arm") == [("holdout",)]
    assert monthly_holdout(datetime(2026, 1, 1, 8, tzinfo=east)) == "holdout/2025-12"
    assert told(engine, "autumn", "client_id") == [("anna",)]


def test_six_spellings_are_six_exposures(engine: Engine) -> None:
    spellings = ("abc", "ABC", "äbc", "abc ", "😀", "😁")
    write(engine, [row(each) for each in spellings])
    assert {each for (each,) in told(engine, "autumn", "client_id")} == set(spellings)


def some_rows(rng: random.Random, number: int) -> list[LedgerRow]:
    """Few clients, few instants, so that nearly everything collides."""
    return [
        row(
            f"c{rng.randrange(9)}",
            answered_at=NOON + timedelta(days=9 * rng.randrange(4), seconds=rng.randrange(3)),
            arm=rng.choice(["champion", "challenger", "holdout"]),
            model=rng.choice(["additive", "heuristic"]),
            model_version="1",
            experiment=rng.choice(["autumn", "winter", None]),
            prediction=rng.random(),
            silent_scores={name: rng.random() for name in rng.sample(["additive@1", "heuristic@1", "third@2"], 2)},
        )
        for _ in range(number)
    ]


def expected(rows: Sequence[LedgerRow]) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str, float]]]:
    """Exposures as (experiment, client, prediction) and silent scores, straight from the definition."""
    first: dict[tuple[str, str], LedgerRow] = {}
    for each in sorted(rows, key=lambda each: (each.answered_at, each.prediction_id)):
        for name in filter(None, (each.experiment, f"holdout/{each.answered_at:%Y-%m}")):
            first.setdefault((name, each.client_id), each)
    silent = {
        (name, model, client, score)
        for (name, client), each in first.items()
        for model, score in each.silent_scores.items()
        if model != f"{each.model}@{each.model_version}" and score is not None
    }
    return {(name, client, each.prediction_id) for (name, client), each in first.items()}, silent


def kept(engine: Engine) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str, float]]]:
    found = everything(engine, exposures), everything(engine, exposure_scores)
    return (
        {(each["experiment"], each["client_id"], each["prediction_id"]) for each in found[0]},
        {(each["experiment"], each["model"], each["client_id"], each["score"]) for each in found[1]},
    )


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_batches_leave_the_same(engine: Engine, seed: int) -> None:
    rng = random.Random(seed)
    rows = some_rows(rng, 150)
    arrivals = rng.sample(rows, len(rows))
    for start in range(0, len(rows), 11):
        write(engine, arrivals[start : start + 17])  # batches overlap, as after a crash
    assert kept(engine) == expected(rows)


def test_writers_at_once_leave_the_same(engine: Engine) -> None:
    rows = some_rows(random.Random(3), 600)

    def ship(seed: int) -> None:
        own = random.Random(seed).sample(rows, len(rows))
        for start in range(0, len(own), 60):
            write(engine, own[start : start + 60])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ship, range(4)))
    assert kept(engine) == expected(rows)


def test_answers_that_are_no_first_ones_cost_one_read_an_experiment(engine: Engine) -> None:
    clients = [f"c{n}" for n in range(200)]
    write(engine, [row(each) for each in clients])
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    write(engine, [row(each, answered_at=NOON + SECOND) for each in clients])
    event.remove(engine, "before_cursor_execute", note)
    assert [each.split()[0] for each in statements if "exposure" in each] == ["SELECT", "SELECT"]
