"""Tables of outcomes in the forms in which people have them: good rows are recorded, bad ones named."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, select

from data import model_store, prediction_log
from data.tables import config, outcomes
from helpers.errors import UserError
from helpers.ids import new_id
from services.outcome_cells import Choices
from services.outcome_import import Imported, RefusedRow, import_outcomes
from tests.support.clock import StandingClock
from tests.support.ledger import NOON, row

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def bring(
    engine: Engine, path: Path, *, observed_at: str | None = None, **names: str
) -> tuple[Imported, list[RefusedRow]]:
    refused: list[RefusedRow] = []
    steps: list[tuple[int, int]] = []
    done = import_outcomes(
        engine,
        StandingClock(NOON),
        path,
        Choices(observed_at=observed_at, **names),
        progress=lambda done, rows: steps.append((done, rows)),
        refused=refused.append,
    )
    assert steps[-1] == (done.rows, done.rows)
    assert done.rows == done.recorded + done.known + done.waiting + done.refused
    assert done.refused == len(refused)
    return done, refused


def text_file(folder: Path, *lines: str, name: str = "told.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def parquet_file(folder: Path, **columns: Any) -> Path:
    path = folder / "told.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def kept(engine: Engine) -> list[tuple[Any, ...]]:
    told = (outcomes.c.client_id, outcomes.c.churned, outcomes.c.observed_at)
    with engine.connect() as connection:
        return [tuple(each) for each in connection.execute(select(*told).order_by(*told))]


@pytest.mark.parametrize(
    "lines",
    [
        ("client_id,churned,observed_at", "anna,yes,2026-11-20", "bert,no,2026-11-20T00:00:00Z"),
        ("note;observed_at;client_id;churned", "x;2026-11-20; anna ;TRUE", "y;2026-11-20;bert;0"),
        ("churned\tclient_id\tobserved_at", '1\t"anna"\t2026-11-20', "False\tbert\t2026-11-20T01:00:00+01:00"),
    ],
    ids=["comma", "semicolon", "tab"],
)
def test_csv_of_any_form(engine: Engine, folder: Path, lines: tuple[str, ...]) -> None:
    done, _ = bring(engine, text_file(folder, *lines))
    assert done == Imported("told.csv", rows=2, recorded=2, known=0, waiting=0, refused=0)
    assert kept(engine) == [("anna", True, MIDNIGHT), ("bert", False, MIDNIGHT)]


@pytest.mark.parametrize(
    ("churned", "observed_at"),
    [
        ([True, False], pa.array([date(2026, 11, 20)] * 2)),
        ([1, 0], pa.array([MIDNIGHT] * 2, pa.timestamp("us", "Europe/Berlin"))),
        ([1.0, 0.0], ["2026-11-20"] * 2),
        (pa.array(["Yes", "No"]).dictionary_encode(), pa.array([MIDNIGHT] * 2, pa.timestamp("ns", "UTC"))),
    ],
    ids=["booleans, dates", "integers, zoned times", "floats, text", "categories, nanoseconds"],
)
def test_parquet_of_any_type(engine: Engine, folder: Path, churned: Any, observed_at: Any) -> None:
    path = parquet_file(folder, client_id=["anna", "bert"], churned=churned, observed_at=observed_at)
    done, refused = bring(engine, path)
    assert (done.recorded, refused) == (2, [])
    assert kept(engine) == [("anna", True, MIDNIGHT), ("bert", False, MIDNIGHT)]


@pytest.mark.parametrize("ids", [[42, 7], [42.0, 7.0], ["42", "7.0"]], ids=["integers", "floats", "text"])
def test_numbered_clients_are_spelled_as_in_training(engine: Engine, folder: Path, ids: list[Any]) -> None:
    bring(engine, parquet_file(folder, client_id=ids, churned=[True] * 2), observed_at="2026-11-20")
    assert [each[0] for each in kept(engine)] == ["42", "7"]


def test_a_time_without_a_zone_is_refused_in_parquet_too(engine: Engine, folder: Path) -> None:
    naive = pa.array([datetime(2026, 11, 20)], pa.timestamp("us"))
    _, refused = bring(engine, parquet_file(folder, client_id=["anna"], churned=[True], observed_at=naive))
    assert [(each.row, each.column) for each in refused] == [(1, "observed_at")]
    assert "time zone" in refused[0].why


def test_every_bad_row_has_its_number_its_column_and_its_reason(engine: Engine, folder: Path) -> None:
    rows = [
        "anna,yes,2026-11-20",
        "bert,maybe,2026-11-20",
        "carl,yes,20.11.2026",
        ",yes,2026-11-20",
        "dora,yes,2026-12-20",
        "emil,,2026-11-20",
        "fred,no,",
        f"{'x' * 191},no,2026-11-20",
        '"gu\nst",no,2026-11-20',
        "hans,no,2026-11-20",
        "anna,yes,2026-11-20",
    ]
    done, refused = bring(engine, text_file(folder, "client_id,churned,observed_at", *rows))
    assert [(each.row, each.column) for each in refused] == [
        (2, "churned"),
        (3, "observed_at"),
        (4, "client_id"),
        (5, "observed_at"),
        (6, "churned"),
        (7, "observed_at"),
        (8, "client_id"),
        (9, "client_id"),
    ]
    assert all(each.why for each in refused)
    assert (done.recorded, done.known) == (2, 1)
    assert [each[0] for each in kept(engine)] == ["anna", "hans"]


def test_predictions_stand_for_their_clients(engine: Engine, folder: Path) -> None:
    answered = row("anna")
    with engine.begin() as connection:
        prediction_log.append_many(connection, [answered])
    rows = [
        f"{answered.prediction_id},,yes",
        f"{answered.prediction_id},anna,no",
        f"{answered.prediction_id},bert,no",
        f"{new_id()},,no",
        ",carl,no",
        ",,no",
        "7590,,no",
    ]
    path = text_file(folder, "prediction_id,client_id,churned", *rows)
    done, refused = bring(engine, path, observed_at="2026-11-20")
    assert done == Imported("told.csv", rows=7, recorded=3, known=0, waiting=1, refused=3)
    assert [(each.row, each.column) for each in refused] == [(3, "client_id"), (6, "client_id"), (7, "prediction_id")]
    assert [each[:2] for each in kept(engine)] == [(None, False), ("anna", False), ("anna", True), ("carl", False)]


def test_without_a_client_column_the_prediction_column_is_at_fault(engine: Engine, folder: Path) -> None:
    path = text_file(folder, "prediction_id,churned,observed_at", f"{new_id()},yes,2026-11-20", ",yes,2026-11-20")
    done, refused = bring(engine, path)
    assert (done.waiting, [(each.row, each.column) for each in refused]) == (1, [(2, "prediction_id")])


def test_columns_of_other_names_and_one_date_for_all(engine: Engine, folder: Path) -> None:
    path = text_file(folder, "customerID,Churn,day", "anna,Yes,2026-11-20", "bert,No,2026-11-20")
    bring(engine, path, client_id="customerID", churned="Churn", observed_at="day")
    first = kept(engine)
    assert first == [("anna", True, MIDNIGHT), ("bert", False, MIDNIGHT)]
    done, _ = bring(engine, path, client_id="customerID", churned="Churn", observed_at="2026-11-20")
    assert (done.known, kept(engine)) == (2, first)


def test_the_id_column_of_the_champion_s_table_is_known(engine: Engine, folder: Path) -> None:
    with engine.begin() as connection:
        model_store.add(connection, "additive", "1", NOON, {"id": "customerID"}, "0" * 64)
        champion = {"config_key": "aliases", "config_value": '{"champion": "additive@1"}'}
        connection.execute(config.insert(), champion)
    path = text_file(folder, "customerID,churned,observed_at", "anna,yes,2026-11-20")
    assert bring(engine, path)[0].recorded == 1


@pytest.mark.parametrize(
    ("header", "choices", "field"),
    [
        ("id,churned,observed_at", {}, "client_id"),
        ("client_id,left,observed_at", {}, "churned"),
        ("client_id,churned,at", {}, "observed_at"),
        ("client_id,churned,at", {"observed_at": "when"}, "observed_at"),
        ("client_id,churned,at", {"observed_at": "2026-13-01"}, "observed_at"),
        ("client_id,churned,observed_at", {"client_id": "who"}, "client_id"),
        ("client_id,churned,observed_at", {"churned": "Churn"}, "churned"),
    ],
)
def test_a_missing_column_is_named(
    engine: Engine, folder: Path, header: str, choices: dict[str, Any], field: str
) -> None:
    with pytest.raises(UserError, match=r"it has") as caught:
        bring(engine, text_file(folder, header, "anna,yes,2026-11-20"), **choices)
    assert caught.value.field == field
    assert kept(engine) == []


def test_what_is_no_table_is_said_to_be_none(engine: Engine, folder: Path) -> None:
    for path in (folder / "gone.csv", text_file(folder, ""), text_file(folder, "x", name="told.docx")):
        with pytest.raises(UserError):
            bring(engine, path)


def test_a_column_of_lists_is_named(engine: Engine, folder: Path) -> None:
    path = parquet_file(folder, client_id=[["anna"]], churned=[True])
    with pytest.raises(UserError) as caught:
        bring(engine, path, observed_at="2026-11-20")
    assert caught.value.field == "client_id"


def test_a_large_file_is_brought_in_batches_and_once(engine: Engine, folder: Path) -> None:
    rows = [f"c{number},{'yes' if number % 5 else 'no'},2026-11-{number % 20 + 1:02d}" for number in range(5_300)]
    path = text_file(folder, "client_id,churned,observed_at", *rows)
    assert bring(engine, path)[0].recorded == 5_300
    assert bring(engine, path)[0].known == 5_300
    assert len(kept(engine)) == 5_300
