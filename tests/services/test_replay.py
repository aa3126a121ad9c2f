"""A stored answer is recomputed bit for bit, or it is said what is missing."""

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from apiflask import APIFlask
from redis import Redis
from sqlalchemy import update

from data import model_store, prediction_log, quarantine
from data.spool import Spool
from data.tables import config, model_logs
from modeling.registry import ModelRegistry
from services.replay import Replay, replay
from tests.support.asking import ask, ask_many
from tests.support.customers import IDS, fill_tables
from tests.support.models import TRAINED_AT, Trained
from tests.support.stack import application, configure

Row = dict[str, Any]
EVERYTHING: dict[str, Any] = {
    "experiment": {
        "name": "all four",
        "salt": "s",
        "arms": {"champion": 0.25, "challenger": 0.25, "catboost@1": 0.25, "heuristic": 0.25},
    },
    "shadow": ["catboost@1", "heuristic"],
    "holdout_percentage": "25",
}


@pytest.fixture
def on_both(tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str) -> Iterator[APIFlask]:
    """The application on SQLite, and on MariaDB."""
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path, trained, embedded_redis_url, DATABASE_URL=database_url) as made:
        configure(made, aliases=trained.aliases)
        yield made


def replayed(app: APIFlask, prediction_id: str, **options: Any) -> Replay:
    """By a registry of its own, as the command has one."""
    wiring = app.extensions["holdfast"]
    var_dir = wiring.settings.var_dir
    return replay(wiring.engine, ModelRegistry(var_dir / "models", **options), var_dir / "spool", prediction_id)


def different(found: Replay) -> set[str]:
    return {field.field for field in found.fields if not field.same}


def edit(app: APIFlask, prediction_id: str, change: Callable[[Row], Row]) -> None:
    """Changes columns of the row in the ledger, as only somebody with SQL can."""
    with app.extensions["holdfast"].engine.begin() as connection:
        row = prediction_log.find(connection, prediction_id)
        assert row is not None
        this = model_logs.c.prediction_id == prediction_id
        connection.execute(update(model_logs).where(this).values(change(asdict(row))))


def questions(trained: Trained, number: int) -> list[Row]:
    """Customers with and without a lifetime value, reasons, gaps and unknown categories."""
    gaps = [feature.name for feature in trained.schema.features if feature.nullable]
    category = next(feature.name for feature in trained.schema.features if feature.kind == "category")
    asked = []
    for place, row in enumerate(trained.rows[:number]):
        client = {"client_id": f"{IDS[place % len(IDS)]}" if place < 6 else f"client {place}", "reasons": place % 5}
        changes = {gaps[place % len(gaps)]: None} if place % 3 == 0 else {}
        odd = {category: "never heard of ✓"} if place % 7 == 0 else {}
        asked.append({**row, **changes, **odd, **client})
    return asked


def test_answers_of_every_model_arm_and_shadow_come_out_bit_for_bit(on_both: APIFlask, trained: Trained) -> None:
    fill_tables(on_both, trained.schema)
    configure(on_both, **EVERYTHING)
    answers = ask_many(on_both, questions(trained, 120))
    answers += [ask(on_both, **each) for each in questions(trained, 8)]
    configure(on_both, proba_cutoff="0.9", holdout_salt="another", shadow=[], aliases={"champion": "heuristic@1"})

    found = [replayed(on_both, each["prediction_id"]) for each in answers]
    assert [(each.missing, different(each)) for each in found] == [((), set())] * len(answers)
    assert all(each.same for each in found)
    rows = [each.row for each in found if each.row is not None]
    assert {row.arm for row in rows} == {"champion", "challenger", "catboost@1", "heuristic", "holdout"}
    assert {row.model for row in rows if row.arm == "holdout"} == {row.model for row in rows}
    assert {len(row.output["reasons"]) for row in rows} == {0, 1, 2, 3, 4}
    assert {warning["code"] for row in rows for warning in row.output["warnings"]} >= {
        "missing_value",
        "unknown_category",
    }
    assert any(row.money_at_risk for row in rows)
    assert all({"silent catboost@1", "silent heuristic@1"} <= {f.field for f in each.fields} for each in found)


def one_up(number: float) -> float:
    return math.nextafter(number, math.inf)


def in_output(name: str, change: Callable[[Any], Any]) -> Callable[[Row], Row]:
    return lambda row: {"output": {**row["output"], name: change(row["output"][name])}}


def stronger(reasons: list[Row]) -> list[Row]:
    return [*reasons[:-1], {**reasons[-1], "effect": one_up(reasons[-1]["effect"])}]


EDITS: dict[str, tuple[Callable[[Row], Row], set[str]]] = {
    "prediction": (lambda row: {"prediction": one_up(row["prediction"])}, {"prediction"}),
    "as it was said": (in_output("prediction", one_up), {"output"}),
    "money": (lambda row: {"money_at_risk": row["money_at_risk"] + 0.01}, {"money_at_risk"}),
    "ltv": (lambda row: {"ltv": row["ltv"] + 1000}, {"money_at_risk", "output"}),
    "verdict": (lambda row: {"high_risk": not row["high_risk"]}, {"high_risk"}),
    "cutoff": (lambda row: {"cutoff": one_up(row["cutoff"])}, {"cutoff"}),
    "arm": (lambda _row: {"arm": "challenger"}, {"arm"}),
    "experiment": (lambda _row: {"experiment": "another"}, {"experiment"}),
    "nobody's experiment": (lambda _row: {"experiment": None}, {"experiment"}),
    "a reason": (in_output("reasons", stronger), {"reason 2"}),
    "a warning": (in_output("warnings", lambda _list: [{"code": "made_up"}]), {"output"}),
    "a shadow": (
        lambda row: {"silent_scores": {"heuristic@1": one_up(row["silent_scores"]["heuristic@1"])}},
        {"silent heuristic@1"},
    ),
    "no shadow": (lambda _row: {"silent_scores": {}}, {"silent heuristic@1"}),
    "client": (lambda _row: {"client_id": "somebody else"}, {"output"}),
}


def test_an_edited_row_is_found_by_its_last_bit(on_both: APIFlask, trained: Trained) -> None:
    fill_tables(on_both, trained.schema)
    arms = {"champion": 0.99, "challenger": 0.01}
    configure(on_both, shadow=["heuristic"], experiment={"name": "a/b", "salt": "s", "arms": arms})
    for change, expected in EDITS.values():
        answer = ask(on_both, **trained.rows[3], client_id=IDS[0], reasons=2)
        assert answer["arm"] == "champion"
        edit(on_both, answer["prediction_id"], change)
        found = replayed(on_both, answer["prediction_id"])
        assert (found.same, found.missing) == (False, ())
        assert different(found) == expected


def test_another_model_in_the_row_is_found(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    edit(app, answer["prediction_id"], lambda _row: {"model": "heuristic"})
    assert different(replayed(app, answer["prediction_id"])) == {"model"}


def test_another_input_is_found_by_what_comes_of_it(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    edit(app, answer["prediction_id"], lambda row: {"input": {**row["input"], "tenure_months": 1}})
    assert "prediction" in different(replayed(app, answer["prediction_id"]))


def test_a_model_that_is_gone_or_tampered_with_is_missing(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    folder = app.extensions["holdfast"].settings.var_dir / "models" / "additive" / "1"
    with (folder / "card.json").open("ab") as card:
        card.write(b" ")
    found = replayed(app, answer["prediction_id"])
    assert (found.same, found.fields) == (False, ())
    assert "card.json is not the file that was written" in found.missing[0]
    shutil.rmtree(folder)
    found = replayed(app, answer["prediction_id"])
    assert "additive@1 is refused: there is no such folder" in found.missing[0]
    assert "from a backup" in found.missing[0]


def put_on_record(app: APIFlask, ref: str, manifest: str = "") -> None:
    registry = app.extensions["holdfast"].registry
    name, version = ref.split("@")
    with app.extensions["holdfast"].engine.begin() as connection:
        digest = manifest or registry.load(ref).manifest_sha256
        model_store.add(connection, name, version, TRAINED_AT, {}, digest)


def test_a_folder_must_be_the_one_on_record(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    found = replayed(app, answer["prediction_id"])
    assert found.same
    assert "additive@1 is not on record in model_metadata" in found.notes[0]
    put_on_record(app, "additive@1", "0" * 64)
    found = replayed(app, answer["prediction_id"])
    assert (found.same, found.fields) == (False, ())
    assert f"model_metadata says {'0' * 64}" in found.missing[0]


def test_a_folder_that_is_the_one_on_record_needs_no_note(app: APIFlask, trained: Trained) -> None:
    put_on_record(app, "additive@1")
    found = replayed(app, ask(app, **trained.rows[3], client_id="c")["prediction_id"])
    assert (found.same, found.notes) == (True, ())


def test_without_a_shadow_the_rest_is_compared(app: APIFlask, trained: Trained) -> None:
    configure(app, shadow=["heuristic"])
    answer = ask(app, **trained.rows[3], client_id="c")
    shutil.rmtree(app.extensions["holdfast"].settings.var_dir / "models" / "heuristic")
    found = replayed(app, answer["prediction_id"])
    assert not found.same
    assert "heuristic@1 is refused" in found.missing[0]
    assert len(found.fields) > 8
    assert different(found) == set()


@pytest.fixture
def of_the_challenger(app: APIFlask, trained: Trained) -> dict[str, Any]:
    """The challenger's answer beside a champion whose folder is gone by now."""
    put_on_record(app, "catboost@1")
    arms = {"champion": 0.01, "challenger": 0.99}
    configure(app, experiment={"name": "a/b", "salt": "s", "arms": arms})
    configure(app, aliases={**trained.aliases, "champion": "catboost@1"})
    answer = ask(app, **trained.rows[3], client_id="c")
    assert (answer["arm"], answer["model"]) == ("challenger", "gradient_boosting")
    shutil.rmtree(app.extensions["holdfast"].settings.var_dir / "models" / "catboost")
    return answer


def test_a_config_that_comes_to_the_same_without_a_model_is_enough(app: APIFlask, of_the_challenger: Row) -> None:
    found = replayed(app, of_the_challenger["prediction_id"])
    assert found.same
    assert any("(aliases) is set aside: model catboost@1 is refused" in note for note in found.notes)


def test_a_model_that_the_config_named_is_missing_where_it_decides(app: APIFlask, of_the_challenger: Row) -> None:
    with app.extensions["holdfast"].engine.begin() as connection:
        older = {"champion": "additive@1", "challenger": "heuristic@1"}
        first = config.c.config_value.contains("additive@1")
        connection.execute(update(config).where(first).values(config_value=orjson.dumps(older).decode()))
    found = replayed(app, of_the_challenger["prediction_id"])
    assert not found.same
    assert {"model", "prediction"} <= different(found)
    (said,) = found.missing
    assert said.startswith("model catboost@1 is refused: there is no such folder")
    assert "The config of then names it." in said


def test_without_any_older_config_nothing_is_compared(app: APIFlask, of_the_challenger: Row) -> None:
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(config.delete().where(config.c.config_value.contains("additive@1")))
    found = replayed(app, of_the_challenger["prediction_id"])
    assert (found.same, found.fields) == (False, ())
    assert "cannot be put together again: " in found.missing[0]


def test_a_config_row_that_is_gone_is_missing(app: APIFlask, trained: Trained) -> None:
    configure(app, proba_cutoff="0.4")
    answer = ask(app, **trained.rows[3], client_id="c")
    configure(app, proba_cutoff="0.5")
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(config.delete().where(config.c.id == answer["config_revision"]))
    (said,) = replayed(app, answer["prediction_id"]).missing
    assert said.startswith(f"row {answer['config_revision']} of the config table is gone")


def test_what_was_set_aside_then_is_set_aside_now(app: APIFlask, trained: Trained) -> None:
    configure(app, proba_cutoff="0.4")
    configure(app, proba_cutoff="7", aliases={"champion": "absent@1"})
    answer = ask(app, **trained.rows[3], client_id="c")
    configure(app, proba_cutoff="0.6")
    found = replayed(app, answer["prediction_id"])
    assert found.same
    assert {field.stored for field in found.fields if field.field == "cutoff"} == {0.4}
    assert ["aliases" in note or "proba_cutoff" in note for note in found.notes if "set aside" in note] == [True, True]


def test_an_answer_that_two_clients_shared_says_so(app: APIFlask, trained: Trained) -> None:
    configure(app, cache_ttl_seconds="60", cache_fields=["contract"])
    row = {**trained.rows[3], "tenure_months": 1}
    first = ask(app, **row, client_id="a")
    other = ask(app, **{**row, "tenure_months": 70}, client_id="b")
    assert (replayed(app, first["prediction_id"]).same, other["prediction"]) == (True, first["prediction"])
    found = replayed(app, other["prediction_id"])
    assert "prediction" in different(found)
    assert any("cache_fields" in note for note in found.notes)


def test_an_input_that_no_longer_fits_is_missing(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    edit(app, answer["prediction_id"], lambda row: {"input": {**row["input"], "tenure_months": "three"}})
    (said,) = replayed(app, answer["prediction_id"]).missing
    assert "the stored input does not fit the schema of additive@1: tenure_months: " in said


def test_what_is_not_in_the_ledger_may_be_on_its_way(app: APIFlask) -> None:
    root = app.extensions["holdfast"].settings.var_dir / "spool"
    nowhere = replayed(app, "nowhere")
    assert (nowhere.same, nowhere.row, nowhere.taken) == (False, None, {})
    assert "not in the outbox of this machine" in nowhere.missing[0]
    Spool(root).append(orjson.dumps({"prediction_id": "waiting"}))
    assert "on its way there" in replayed(app, "waiting").missing[0]
    quarantine.keep(root, "one", orjson.dumps({"prediction_id": "refused"}), "a test")
    assert "refused by the database" in replayed(app, "refused").missing[0]
    assert "not in the outbox" in replayed(app, "wait").missing[0]


def test_rows_from_before_there_were_layers_are_replayed(app: APIFlask, trained: Trained) -> None:
    answer = ask(app, **trained.rows[3], client_id="c")
    edit(app, answer["prediction_id"], lambda _row: {"experiment": "default"})
    assert replayed(app, answer["prediction_id"]).same
    edit(app, answer["prediction_id"], lambda _row: {"experiment": "another"})
    assert different(replayed(app, answer["prediction_id"])) == {"experiment"}


def test_a_shadow_that_failed_then_is_left_out(app: APIFlask, trained: Trained) -> None:
    configure(app, shadow=["heuristic"])
    answer = ask(app, **trained.rows[3], client_id="c")
    edit(app, answer["prediction_id"], lambda _row: {"silent_scores": {"heuristic@1": None}})
    found = replayed(app, answer["prediction_id"])
    assert found.same
    assert "silent heuristic@1" not in {field.field for field in found.fields}


def test_the_class_of_a_third_party_is_asked_again(tmp_path: Path, trained: Trained, embedded_redis_url: str) -> None:
    path = "tests.support.third_party:OpenRule"
    with application(tmp_path, trained, embedded_redis_url, MODEL_CLASSES=path) as app:
        configure(app, aliases={"champion": "open_rule@7"})
        answer = ask(app, client_id="c", tenure_months=3, monthly_charge=9.5)
        found = replayed(app, answer["prediction_id"], classes=[path])
        assert found.same
        assert "its code of today" in found.notes[0]
        assert "open_rule@7 is refused" in replayed(app, answer["prediction_id"]).missing[0]
