"""How the rows of a file become chunks that a database takes."""

import io

import pytest

from data.columns import strict_json
from helpers.errors import UserError
from modeling.features import Feature, TableSchema
from services.scoring_jobs.intake import BYTES_A_CHUNK, LONGEST_ROW, ROWS_A_CHUNK, _check, _chunks

SCHEMA = TableSchema("customers", "customer", "left", "yes", (Feature("plan", "category", categories=("Basic",)),))


def file_of(cell: str, rows: int) -> io.BytesIO:
    return io.BytesIO(("customer,plan\n" + "".join(f"{row},{cell}\n" for row in range(rows))).encode())


@pytest.mark.parametrize("letter", ["x", "€", "😀", "\\", "\x01"])
def test_a_chunk_is_small_however_its_cells_are_spelled(letter: str) -> None:
    stream = file_of(2_500 * letter, ROWS_A_CHUNK)
    chunks = list(_chunks(stream, "customers.csv", _check(stream, "customers.csv", SCHEMA)))
    sizes = [len(strict_json(each.as_dict()).encode()) for each in chunks]
    a_row = len(strict_json(chunks[0].rows[0]).encode())
    assert max(sizes) < BYTES_A_CHUNK + 2 * a_row
    assert min(sizes[:-1]) >= BYTES_A_CHUNK
    assert [row[0] for each in chunks for row in each.rows] == [str(row) for row in range(ROWS_A_CHUNK)]
    assert [each.first for each in chunks] == [1 + int(each.rows[0][0]) for each in chunks]


def test_a_row_that_no_chunk_could_hold_is_refused_by_its_number() -> None:
    names = [f"plan {number}" for number in range(20)]
    wide = TableSchema("customers", "customer", "left", "yes", tuple(Feature(name, "category") for name in names))
    rows = [",".join(["customer", *names]), *["1" + 20 * ",Basic"] * 10_000, "1" + 20 * f",{LONGEST_ROW // 20 * 'x'}"]
    stream = io.BytesIO("\n".join(rows).encode())
    with pytest.raises(UserError, match=r"customers\.csv, row 10,001 holds more than 1,000,000 characters"):
        _check(stream, "customers.csv", wide)
