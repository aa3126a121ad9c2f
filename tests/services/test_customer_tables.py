"""Customers in a SQL table give the same dataset as the file that they came from."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
)

from helpers.errors import UserError
from modeling.choices import Choices
from modeling.dataset import read_dataset
from services.customer_tables import load_dataset
from tests.modeling.tables import customers, write_csv

ROWS = 400
BASE = customers(ROWS)


@pytest.fixture(params=["sqlite", "mariadb"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with a table of subscribers, dropped afterwards."""
    url = f"sqlite:///{tmp_path}/crm.db" if request.param == "sqlite" else request.getfixturevalue("mariadb_url")
    engine = create_engine(url)
    metadata = MetaData()
    table = _table(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), _rows())
    yield url
    metadata.drop_all(engine)
    engine.dispose()


def _table(metadata: MetaData) -> Table:
    return Table(
        "crm subscribers",
        metadata,
        Column("subscriber_id", String(20), primary_key=True),
        Column("contract", String(20)),
        Column("tenure_months", Integer),
        Column("monthly_charge", Numeric(8, 2)),
        Column("support_calls", String(5)),
        Column("signup_date", Date),
        Column("seen", DateTime),
        Column("age", Integer, nullable=True),
        Column("vip", Boolean),
        Column("notes", JSON),
        Column("churned", String(3)),
    )


def _rows() -> list[dict[str, object]]:
    return [
        {
            **{name: BASE[name][row] for name in ("subscriber_id", "contract", "tenure_months", "churned")},
            "monthly_charge": Decimal(str(BASE["monthly_charge"][row])),
            "support_calls": str(BASE["support_calls"][row]),
            "signup_date": date.fromisoformat(BASE["signup_date"][row]),
            "seen": datetime(2025, 1 + row % 12, 1 + row % 28, 13, 30),
            "age": None if BASE["age"][row] == "" else BASE["age"][row],
            "vip": row % 3 == 0,
            "notes": {"x": row},
        }
        for row in range(ROWS)
    ]


def test_a_sql_table_gives_the_dataset_of_its_file(address: str, tmp_path: Path) -> None:
    dataset = load_dataset(f"{address}#crm subscribers", Choices(drop=("seen", "vip", "notes")))
    names = ["subscriber_id", "contract", "tenure_months", "monthly_charge", "support_calls", "signup_date", "age"]
    file = write_csv(tmp_path / "crm subscribers.csv", {name: BASE[name] for name in [*names, "churned"]})
    expected = read_dataset(file, Choices())
    order = np.argsort(expected.ids)  # a database gives rows in the order of their key
    found = np.argsort(dataset.ids)
    assert dataset.schema.features == expected.schema.features
    assert sorted(dataset.ids) == sorted(expected.ids)
    np.testing.assert_array_equal(dataset.x[found], expected.x[order])
    np.testing.assert_array_equal(dataset.y[found], expected.y[order])


def test_types_of_the_database_are_understood(address: str) -> None:
    dataset = load_dataset(f"{address}#crm subscribers", Choices())
    kinds = {feature.name: feature.kind for feature in dataset.schema.features}
    assert kinds["seen"] == kinds["signup_date"] == "date"
    assert kinds["monthly_charge"] == kinds["support_calls"] == "number"
    assert kinds["vip"] in {"boolean", "number"}  # MariaDB keeps true and false as numbers
    assert [dropped.column for dropped in dataset.dropped] == ["notes"]


def test_the_services_own_database_is_named_table(address: str) -> None:
    engine: Engine = create_engine(address)
    assert len(load_dataset("table:crm subscribers", Choices(), engine=engine).rows) == ROWS
    with pytest.raises(UserError, match=r"no table 'nothing'; it has .*crm subscribers"):
        load_dataset("table:nothing", Choices(), engine=engine)
    engine.dispose()
    with pytest.raises(UserError, match="needs the service's database"):
        load_dataset("table:crm subscribers", Choices())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sqlite:////nowhere/crm.db#t", "no SQLite file /nowhere/crm.db"),
        ("sqlite:////nowhere/crm.db", "names no table"),
        ("nosuch://user:s3cret@host/db#t", "no driver for nosuch"),
        ("mysql+pymysql://user:s3cret@127.0.0.1:1/db#t", "cannot be read"),
        ("mysql+pymysql://user:s3cret@127.0.0.1:port/db#t", "cannot be read"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_showing_its_password(source: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refusal:
        load_dataset(source, Choices())
    assert "s3cret" not in str(refusal.value)
