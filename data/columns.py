"""Column types that mean, take and refuse the same on SQLite, MySQL and MariaDB.

SQLite stores what it is given: text longer than its column, NaN, naive times. MySQL folds case, accents and
trailing spaces. The types here check in Python, so both refuse the same values: SQLAlchemy wraps the
ValueError as `sqlalchemy.exc.StatementError`.
"""

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Double, Integer, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

_ONLY_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
PROSE_BYTES = 65_535  # what TEXT holds on MySQL

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key that counts up; on SQLite only INTEGER does."""

Document = JSON(none_as_null=True)
"""JSON without NaN or Infinity; `engine.build_engine` brings the serializer that refuses them."""


class Key(TypeDecorator[str]):
    """Text of at most `length` characters, compared code point by code point: no two spellings are equal.

    Text with a collation rather than VARBINARY, so that people read it in a SQL client. MySQL and MariaDB have
    such a collation each, under different names.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "mysql":
            return dialect.type_descriptor(String(self.length))
        exact = mysql.VARCHAR(self.length, charset="utf8mb4", collation=exact_collation(dialect))
        return dialect.type_descriptor(exact)

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """One function, where `process_bind_param` would be three within each other, for every cell of the ledger."""
        longest = self.length

        def checked(value: str | None) -> str | None:
            if value is not None:
                if len(value) > longest:
                    raise ValueError(f"text of {len(value)} characters in a column of {longest}")
                value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate, which UTF-8 cannot hold
            return value

        return checked

    def bind_many(self, values: Sequence[Any]) -> Sequence[Any]:
        """What `bind_processor` does, for a whole column of rows."""
        given = [value for value in values if value is not None]
        longest = max(map(len, given), default=0)
        if longest > self.length:
            raise ValueError(f"text of {longest} characters in a column of {self.length}")
        "".join(given).encode()
        return values

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """One may look for text that is too long to be there: it is not found."""
        return String()


def exact_collation(dialect: Dialect) -> str:
    """The collation without folding or padding, by the name it has on the server that `dialect` is connected to."""
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


class Prose(TypeDecorator[str]):
    """Text that is read, never compared; at most 65,535 bytes of UTF-8."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.TEXT(charset="utf8mb4") if dialect.name == "mysql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value.encode()) > PROSE_BYTES:
            raise ValueError(f"text of more than {PROSE_BYTES} bytes")
        return value


class UtcDateTime(TypeDecorator[datetime]):
    """An instant to the microsecond: takes aware times, keeps them as UTC without a zone, gives aware UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        """The text that both drivers would make of it; see `Key.bind_processor`."""
        return _utc_text

    def process_literal_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """For statements that are spelled out, as for an explanation."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Finite(TypeDecorator[float]):
    """A 64-bit float that is neither NaN nor infinite."""

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[float | None], float | None]:
        return _finite

    def bind_many(self, values: Sequence[Any]) -> Sequence[Any]:
        """See `Key.bind_many`."""
        if not all(map(math.isfinite, (value for value in values if value is not None))):
            raise ValueError("a number is not finite")
        return [None if value is None else float(value) for value in values]


class utc_now(FunctionElement[datetime]):  # noqa: N801 - read as an SQL function
    """The server's present instant in UTC, whatever time zone the session is in; for server defaults."""

    inherit_cache = True


@compiles(utc_now, "mysql")
def _utc_now_mysql(_element: utc_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "(utc_timestamp(6))"


@compiles(utc_now, "sqlite")
def _utc_now_sqlite(_element: utc_now, _compiler: SQLCompiler, **_options: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f000', 'now'))"


def strict_json(value: Any) -> str:
    """JSON as text. Raises ValueError for NaN, Infinity and lone surrogates, TypeError for what JSON lacks, other than
    UUIDs and members of an Enum, which become their text and value.

    orjson is many times as fast, but spells NaN as null and refuses some of what JSON has: where either is the case,
    the slower writer decides.
    """
    try:
        quick = orjson.dumps(value, option=_ONLY_JSON)
    except TypeError:
        return _strict_json(value)
    return _strict_json(value) if b"null" in quick and _holds_no_number(value) else quick.decode()


def _holds_no_number(value: Any) -> bool:
    """Whether NaN or an infinity is anywhere in it."""
    if isinstance(value, dict):
        return any(map(_holds_no_number, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_no_number, value))
    return isinstance(value, float) and not math.isfinite(value)


def _strict_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def _utc_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.utcoffset() is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def _finite(value: float | None) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)
