"""A whole table read for scoring gives the very numbers that training and requests give."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from helpers.errors import UserError
from modeling.dataset import Choices, read_dataset
from modeling.features import Encoder, Feature, TableSchema
from modeling.reading import read_file
from modeling.table_encoding import EncodedTable, encode_table
from tests.modeling.tables import TELCO, customers, write_csv
from tests.support.models import Trained


def test_the_training_table_reads_back_to_its_codes(trained: Trained, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "subscribers.csv", customers(800))
    dataset = read_dataset(path, Choices())
    found = encode_table(read_file(path).table, trained.schema)
    np.testing.assert_array_equal(found.x, Encoder(trained.schema).encode_many(dataset.rows))
    assert found.scorable.all()
    assert set(found.missing) == {f.name for f in trained.schema.features if f.nullable}
    assert found.unknown == {}


def test_telco_reads_back_to_its_codes() -> None:
    dataset = read_dataset(TELCO, Choices())
    found = encode_table(read_file(TELCO).table, dataset.schema)
    np.testing.assert_array_equal(found.x, dataset.x)
    assert found.missing == {"TotalCharges": 11}


SCHEMA = TableSchema(
    "t",
    "id",
    "y",
    "1",
    (
        Feature("plan", "category", categories=("basic", "plus"), other=1.5),
        Feature("region", "category", nullable=True, categories=("north",), other=0.5),
        Feature("price", "number"),
        Feature("age", "number", nullable=True),
        Feature("paid", "boolean", nullable=True),
        Feature("since", "date", nullable=True),
    ),
    reference_date="2026-01-31",
)


def encoded(columns: dict[str, list[Any]], schema: TableSchema = SCHEMA) -> EncodedTable:
    return encode_table(pa.table(columns), schema)


FULL: dict[str, list[Any]] = {
    "plan": ["basic", "PLUS ", "gold", None],
    "region": ["north", "", "south", None],
    "price": ["1,5", "1.234,5", "7", ""],
    "age": ["", "", "", ""],
    "paid": ["true", "false", "", "true"],
    "since": ["2026-01-01", "", "2026-01-31", "2025-12-31"],
}


def test_text_is_read_as_training_reads_it() -> None:
    found = encoded(FULL)
    expected = [
        [1, 2, 1.5, 1.5],
        [1, 2, 0.5, 2],
        [1.5, 1234.5, 7, np.nan],
        [np.nan] * 4,
        [1, 0, np.nan, 1],
        [30, np.nan, 0, 31],
    ]
    np.testing.assert_array_equal(found.x, np.array(expected, np.float32).T)
    assert found.scorable.tolist() == [True, True, True, False]
    assert found.unknown == {"plan": 1, "region": 1}
    assert found.missing == {"plan": 1, "region": 2, "price": 1, "age": 4, "paid": 1, "since": 1}


def test_typed_columns_are_read_as_they_are() -> None:
    typed = {
        "plan": pa.array(["basic", None]).dictionary_encode(),
        "price": pa.array([1, 2], pa.int64()),
        "paid": pa.array([True, None]),
        "since": pa.array(["2026-01-01", None]).cast(pa.date32()),
    }
    found = encode_table(pa.table(typed), SCHEMA)
    expected = [[1, 2, 1, np.nan, 1, 30], [1.5, 2, 2, np.nan, np.nan, np.nan]]
    np.testing.assert_array_equal(found.x, np.array(expected, np.float32))
    assert found.scorable.tolist() == [True, False]


def test_a_column_that_had_no_gaps_must_be_there() -> None:
    with pytest.raises(UserError, match="'price'") as caught:
        encoded({"plan": ["basic"]})
    assert caught.value.field == "price"


def test_a_strict_model_does_not_score_unknown_categories() -> None:
    strict = TableSchema("t", "id", "y", "1", SCHEMA.features, SCHEMA.reference_date, strict=True)
    assert encoded(FULL, strict).scorable.tolist() == [True, True, False, False]
