"""Files in every usual form give the same dataset; the others are refused with what to mend."""

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.errors import UserError
from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.reading import read_file
from tests.modeling.tables import customers, read, write_csv

TABLE = customers(note=[f"größer, „{row % 7}“\nund; mehr|als\tdas" for row in range(400)])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read(tmp_path_factory.mktemp("plain"), TABLE)


def same(one: Dataset, other: Dataset) -> None:
    assert one.schema == other.schema
    assert one.ids == other.ids
    assert one.rows == other.rows
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separator_encoding_and_line_ends_change_nothing(
    tmp_path: Path, plain: Dataset, separator: str, encoding: str, end: str
) -> None:
    path = write_csv(tmp_path / "customers.csv", TABLE, separator=separator, encoding=encoding, end=end)
    same(read_dataset(str(path), Choices()), plain)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    table = customers(größe=["groß", "klein"] * 200)
    path = write_csv(tmp_path / "customers.txt", table, encoding=encoding)
    assert read_dataset(path, Choices()).schema.features[-1].categories == ("groß", "klein")


def test_decimal_commas_give_the_same_numbers(tmp_path: Path, plain: Dataset) -> None:
    european = {name: [comma(cell) for cell in cells] for name, cells in TABLE.items()}
    path = write_csv(tmp_path / "customers.csv", european, separator=";")
    same(read_dataset(path, Choices()), plain)


def comma(cell: Any) -> Any:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


def test_an_open_thousand_follows_the_columns_that_are_certain(tmp_path: Path) -> None:
    """ "1.234" is a thousand beside "12,50", and one and a bit beside "12.50"."""
    points = [f"{n % 9 + 1}.{n % 900 + 100}" for n in range(400)]
    table = customers(spent=points)
    assert read(tmp_path, table).rows[0]["spent"] == 1.1
    european = {name: [comma(cell) for cell in cells] for name, cells in table.items()}
    dataset = read_dataset(write_csv(tmp_path / "customers.csv", european, separator=";"), Choices())
    assert dataset.rows[0]["spent"] == 1100


def test_compressed_text_is_read(tmp_path: Path, plain: Dataset) -> None:
    path = write_csv(tmp_path / "customers.csv", TABLE)
    packed = tmp_path / "customers.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    same(read_dataset(packed, Choices()), plain)


def test_parquet_gives_the_same_dataset(tmp_path: Path, plain: Dataset) -> None:
    typed = {name: [None if cell == "" else cell for cell in cells] for name, cells in TABLE.items()}
    pq.write_table(pa.table(typed), tmp_path / "customers.parquet")
    same(read_dataset(tmp_path / "customers.parquet", Choices()), plain)


def test_parquet_types_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = range(400)
    typed = pa.table(
        {name: [None if cell == "" else cell for cell in cells] for name, cells in customers().items()}
        | {
            "since": pa.array([19_000 + row for row in rows], pa.date32()),
            "seen": pa.array([1_700_000_000_000_000 + row * 10**11 for row in rows], pa.timestamp("us", "UTC")),
            "vip": pa.array([row % 3 == 0 if row % 9 else None for row in rows]),
            "tier": pa.array(["a" if row % 2 else "b" for row in rows]).dictionary_encode(),
            "balance": pa.array([row * 10 + row % 3 for row in rows], pa.decimal128(12, 2)),
            "tags": pa.array([["x"]] * 400),
            "blob": pa.array([b"x"] * 400),
        }
    )
    pq.write_table(typed, tmp_path / "customers.parquet")
    dataset = read_dataset(tmp_path / "customers.parquet", Choices())
    kinds = {feature.name: feature.kind for feature in dataset.schema.features}
    assert [kinds[name] for name in ("since", "seen", "vip", "tier", "balance")] == [
        *("date", "date", "boolean", "category", "number")
    ]
    assert dataset.rows[1]["since"] == "2022-01-09"
    assert dataset.rows[0]["seen"] == "2023-11-14"
    assert [row["vip"] for row in dataset.rows[:4]] == [None, False, False, True]
    assert {dropped.column for dropped in dataset.dropped} >= {"tags", "blob"}


GOOD = "id,plan,churn\na,x,Yes\nb,y,No\n"
BAD_FILES = {
    "is empty": b"",
    "is empty;": b" \n\n ",
    "no rows": b"id,plan,churn\n",
    "column 2 has no name": b"id,,churn\na,x,Yes\n",
    "column 1 has no name.*to_csv\\(index=False\\)": b",id,churn\n0,a,Yes\n",
    "two columns are called 'plan'": b"id,plan,plan\na,x,Yes\n",
    "two columns are called 'my plan'": b"id,my plan, my  plan\na,x,Yes\n",
    "first line holds numbers": b"1,2,3\n4,5,6\n",
    "one column only": b"churn\nYes\nNo\n",
    "line 4: 2 cells where the header has 3": b'id,plan,churn\na,"x\ny",Yes\nb,No\n',
    "line 3: 4 cells where the header has 3.*comma": b"id,plan,churn\na,x,Yes\nb,y,z,No\n",
    "lines 2 to 3: 2 cells.*close the quotation mark that opens in line 2": b'id,plan,churn\na,"x,Yes\nb,y,No\n',
    "is not text": b"id,plan,churn\n\x00\x01\x02,x,Yes\n",
    "save it as UTF-8": b"\xef\xbb\xbfid,plan,churn\n\xff\xfe,x,Yes\n",
}


@pytest.mark.parametrize("message", BAD_FILES)
def test_a_file_that_is_no_table_is_refused_with_what_to_mend(tmp_path: Path, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(BAD_FILES[message])
    with pytest.raises(UserError, match=message) as refusal:
        read_file(path)
    assert "bad" in str(refusal.value)


def test_an_unknown_ending_a_missing_file_and_a_false_parquet_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape(f"no file {tmp_path / 'none.csv'}")):
        read_file(tmp_path / "none.csv")
    for name, message in (("customers.xlsx", "must end in"), ("customers.parquet", "not a Parquet file")):
        (tmp_path / name).write_text(GOOD)
        with pytest.raises(UserError, match=message):
            read_file(tmp_path / name)


def test_blank_lines_and_padded_names_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("\n id , plan\t,churn\n\na,x,Yes\n\nb,y,No\n")
    source = read_file(path)
    assert source.table.to_pydict() == {"id": ["a", "b"], "plan": ["x", "y"], "churn": ["Yes", "No"]}


def test_a_file_with_a_single_unpaired_quote_far_down_names_the_fault(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("id,plan,churn\n" + "a,x,Yes\n" * 5000 + 'b,"y,No\n' + "a,x,Yes\n" * 10)
    with pytest.raises(UserError, match=r"lines 5002 to 5012.*quotation mark"):
        read_file(path)


def test_an_unpaired_quote_before_very_much_names_the_fault_and_changes_no_limit(tmp_path: Path) -> None:
    path, limit = tmp_path / "bad.csv", csv.field_size_limit()
    path.write_text("id,plan,churn\n" + "a,x,Yes\n" * 500 + 'b,"y,No\n' + "a,x,Yes\n" * (limit // 8 + 1))
    with pytest.raises(UserError, match="quotation mark"):
        read_file(path)
    assert csv.field_size_limit() == limit
