"""SQL that SQLite and MySQL spell differently, as expressions that mean the same on both."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from data.columns import UtcDateTime


class day_number(FunctionElement[int]):  # noqa: N801 - read as an SQL function
    """The UTC day of an instant, as days since 1970-01-01."""

    type = Integer()
    inherit_cache = True


class start_of_day(FunctionElement[datetime]):  # noqa: N801
    """Midnight (UTC) at the beginning of an instant's day."""

    type = UtcDateTime()
    inherit_cache = True


class days_after(FunctionElement[datetime]):  # noqa: N801
    """The instant some days of 24 hours after another, to the microsecond."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, instant: ColumnElement[datetime], days: int) -> None:
        super().__init__(instant, literal(days))


class nearest(FunctionElement[int]):  # noqa: N801
    """The whole number nearest to one from 0 on, a half rounded up: ROUND itself rounds halves differently."""

    type = Integer()
    inherit_cache = True


@compiles(day_number, "mysql")
def _day_mysql(element: day_number, compiler: SQLCompiler, **options: Any) -> str:
    return f"DATEDIFF({_parts(element, compiler, options)[0]}, '1970-01-01')"


@compiles(day_number, "sqlite")
def _day_sqlite(element: day_number, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(JULIANDAY(SUBSTR({_parts(element, compiler, options)[0]}, 1, 10)) - 2440587.5 AS INTEGER)"


@compiles(start_of_day, "mysql")
def _start_mysql(element: start_of_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"DATE({_parts(element, compiler, options)[0]})"


@compiles(start_of_day, "sqlite")
def _start_sqlite(element: start_of_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SUBSTR({_parts(element, compiler, options)[0]}, 1, 10) || ' 00:00:00.000000')"


@compiles(days_after, "mysql")
def _after_mysql(element: days_after, compiler: SQLCompiler, **options: Any) -> str:
    instant, days = _parts(element, compiler, options)
    return f"DATE_ADD({instant}, INTERVAL {days} DAY)"


@compiles(days_after, "sqlite")
def _after_sqlite(element: days_after, compiler: SQLCompiler, **options: Any) -> str:
    """The time of day is kept as it is spelled: SQLite's functions round it, and so the end of a day up."""
    instant, days = _parts(element, compiler, options)
    return f"(DATE(SUBSTR({instant}, 1, 10), {days} || ' days') || SUBSTR({instant}, 11))"


@compiles(nearest, "mysql")
def _nearest_mysql(element: nearest, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(FLOOR({_parts(element, compiler, options)[0]} + 0.5e0) AS SIGNED)"


@compiles(nearest, "sqlite")
def _nearest_sqlite(element: nearest, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({_parts(element, compiler, options)[0]} + 0.5 AS INTEGER)"


def _parts(element: FunctionElement[Any], compiler: SQLCompiler, options: dict[str, Any]) -> list[str]:
    return [str(compiler.process(clause, **options)) for clause in element.clauses]
