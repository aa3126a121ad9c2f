"""Wherever a table of customers lies: reads it and makes it ready for training."""

from pathlib import Path

from sqlalchemy import Engine

from data.customer_tables import read_address, read_table
from helpers.errors import UserError
from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.reading import Source, read_file

OWN = "table:"


def load_dataset(source: str, choices: Choices, *, engine: Engine | None = None) -> Dataset:
    """The dataset from a file (.csv, .tsv, .txt, .parquet), from `URL#TABLE` in any SQL database, or from
    `table:NAME` in the service's own, which `engine` leads to.

    Raises UserError, naming the column and the fix, when the table cannot be read or not be learned from.
    """
    return read_dataset(load_source(source, engine=engine), choices)


def load_source(source: str, *, engine: Engine | None = None) -> Source:
    """The table itself, before anything is concluded from it; see `load_dataset`."""
    if source.startswith(OWN):
        return _own_table(source.removeprefix(OWN), engine)
    if "://" in source:
        return Source(*read_address(source))
    return read_file(Path(source))


def _own_table(name: str, engine: Engine | None) -> Source:
    if engine is None:
        raise UserError(f"{OWN}{name} needs the service's database; give a file or URL#TABLE")
    return Source(name, read_table(engine, name))
