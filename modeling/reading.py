"""From a file to an Arrow table whose columns have names."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.errors import UserError
from modeling.choices import Decision
from modeling.csv_form import column_names
from modeling.csv_reading import read_csv

TEXT_SUFFIXES = {".csv", ".tsv", ".txt", ".tab", ".psv"}
PARQUET_SUFFIXES = {".parquet", ".pq", ".pqt"}
COMPRESSIONS = {".gz", ".bz2", ".zst"}


@dataclass(frozen=True, slots=True)
class Source:
    """A table as it was found, before anything is concluded from it."""

    name: str
    table: pa.Table
    decisions: tuple[Decision, ...] = ()


def read_file(path: Path) -> Source:
    """Reads CSV (any usual separator and encoding, compressed or not) or Parquet by the file's ending.

    Raises UserError when there is no such file, or when it holds no usable table.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}; give a .csv or .parquet file")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    ending = suffixes[-1] if suffixes else ""
    if ending in TEXT_SUFFIXES:
        table, decisions = read_csv(path)
    elif ending in PARQUET_SUFFIXES:
        table, decisions = _read_parquet(path), []
    else:
        raise UserError(f"{path.name} must end in .csv, .tsv, .txt or .parquet; rename or convert it")
    return checked(Source(path.name.split(".")[0], table, tuple(decisions)))


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path.name} is not a Parquet file that can be read: {error}") from error


def checked(source: Source) -> Source:
    """The source with tidy column names. Raises UserError for names that cannot be told apart, or no rows."""
    names = column_names(source.table.column_names, source.name)
    if source.table.num_rows == 0:
        raise UserError(f"{source.name} has column names but no rows; add a row for each customer")
    return Source(source.name, source.table.rename_columns(names), source.decisions)
