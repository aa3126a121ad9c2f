"""Reads a table of customers out of any SQL database that SQLAlchemy has a driver for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, MetaData, Table, create_engine, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from helpers.errors import UserError

BATCH = 10_000
FORM = "write the address as dialect+driver://user:password@host/database#table"


def read_address(address: str) -> tuple[str, pa.Table]:
    """The name and the rows of the table at `URL#TABLE` (`URL#SCHEMA.TABLE`), every column in its own type.

    Raises UserError when the address, the database or the table is not there. No message shows a password.
    """
    url, _, name = address.rpartition("#")
    if not url or not name:
        raise UserError(f"the address names no table; {FORM}")
    engine = _engine(url)
    try:
        return name.rpartition(".")[2], read_table(engine, name)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        file = parsed.database
        if parsed.get_backend_name() == "sqlite" and file and not Path(file).is_file():
            raise UserError(f"there is no SQLite file {file}; mend the address")
        return create_engine(parsed)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UserError(f"there is no driver for {url.partition('://')[0]}: {error}; install one") from None
    except (ArgumentError, ValueError):  # their messages show the address, and so the password
        raise UserError(f"the address of the table cannot be read; {FORM}") from None


def read_table(engine: Engine, name: str) -> pa.Table:
    """All rows of a table or view. Raises UserError when it is not there or the database does not answer."""
    schema, _, bare = name.rpartition(".")
    try:
        if not inspect(engine).has_table(bare, schema=schema or None):
            raise UserError(f"the database has no table {name!r}; it has {_tables(engine)}", field=name)
        return _rows(engine, Table(bare, MetaData(), autoload_with=engine, schema=schema or None))
    except SQLAlchemyError as error:
        where = engine.url.render_as_string(hide_password=True)
        why = getattr(error, "orig", None) or type(error).__name__
        raise UserError(f"table {name!r} at {where} cannot be read: {why}") from error


def _tables(engine: Engine) -> str:
    names = inspect(engine).get_table_names()
    return ", ".join(names[:12]) or "no table at all"


def _rows(engine: Engine, table: Table) -> pa.Table:
    names = [column.name for column in table.columns]
    with engine.connect().execution_options(yield_per=BATCH) as connection:
        batches = [
            [list(cells) for cells in zip(*rows, strict=True)]
            for rows in connection.execute(select(table)).partitions()
        ]
    columns = [[cell for batch in batches for cell in batch[place]] for place in range(len(names))]
    return pa.table([_array(cells) for cells in columns], names=names)


def _array(cells: Sequence[Any]) -> pa.Array:
    """Arrow's type for the cells; text where a column mixes types, as SQLite lets it, or has whole numbers
    of more than 64 bits."""
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if cell is None else str(cell) for cell in cells])
