"""The `config` table: an append-only list of settings, of which the newest row of each key counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, or_, select, update

from data.dialect import hold, insert_counted
from data.tables import config

MOST_APART = 1_000  # ids between the first and the last row of one revision


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One row; `revision` and `author` are None where someone typed SQL."""

    id: int
    inserted_at: datetime
    key: str
    value: str
    revision: int | None
    author: str | None
    reason: str | None


def newest_rows(connection: Connection, per_key: int = 50, until: int | None = None) -> list[ConfigRow]:
    """The `per_key` newest rows of every key, newest first; with `until`, as the table was up to that id."""
    place = func.row_number().over(partition_by=config.c.config_key, order_by=config.c.id.desc())
    known = select(config.c.id, place.label("place"))
    ranked = (known if until is None else known.where(config.c.id <= until)).subquery()
    chosen = select(ranked.c.id).where(ranked.c.place <= per_key)
    return _rows(connection, _SELECT.where(config.c.id.in_(chosen)))


def append(connection: Connection, values: Mapping[str, str], author: str, reason: str) -> int:
    """Appends a row per key and gives their revision: the id of the last of them.

    Waits for any other writer until its transaction ends, so revisions become visible in their order: whoever
    saw revision n has seen every one below it. Raises ValueError when there is nothing to append.
    """
    if not values:
        raise ValueError("nothing to append")
    take_turn(connection)
    ids = [_insert(connection, key, value, author, reason) for key, value in values.items()]
    connection.execute(update(config).where(config.c.id.in_(ids)).values(revision=ids[-1]))
    return ids[-1]


def take_turn(connection: Connection) -> None:
    """Waits for any other writer, and keeps others waiting until the connection's transaction ends."""
    hold(connection, "config")


def overtaken(connection: Connection, base: int, revision: int) -> bool:
    """Whether a row of somebody else's, who typed SQL and took no turn, came between `base` and this revision.

    Waits for such a writer's transaction to end.
    """
    between = select(config.c.id).where(config.c.id > base, config.c.id < revision)
    foreign = between.where(or_(config.c.revision.is_(None), config.c.revision != revision))
    return connection.execute(foreign.with_for_update()).first() is not None


def first_rows_after(connection: Connection, revision: int, left_out: Collection[int] = ()) -> list[ConfigRow]:
    """The first row of every key behind the revision, without those ids, the oldest first."""
    behind = (config.c.id > revision, config.c.id.not_in(left_out))
    firsts = select(func.min(config.c.id)).where(*behind).group_by(config.c.config_key)
    return _rows(connection, _SELECT.where(config.c.id.in_(firsts)).order_by(None).order_by(config.c.id))


def latest_revision(connection: Connection) -> int:
    """The id of the newest row, whoever wrote it; 0 in an empty table."""
    return connection.scalar(select(func.coalesce(func.max(config.c.id), 0))) or 0


def history(connection: Connection, key: str | None = None, limit: int = 100) -> list[ConfigRow]:
    """The newest rows, of one key or of all, newest first."""
    wanted = _SELECT if key is None else _SELECT.where(config.c.config_key == key)
    return _rows(connection, wanted.limit(limit))


def revisions(connection: Connection, limit: int) -> list[ConfigRow]:
    """All rows of the newest `limit` revisions, newest first; a row that someone typed is a revision of its own."""
    last = or_(config.c.revision.is_(None), config.c.revision == config.c.id)
    ends = list(connection.scalars(select(config.c.id).where(last).order_by(config.c.id.desc()).limit(limit)))
    if not ends:
        return []
    first = ends[-1]
    also = and_(config.c.revision == first, config.c.id > first - MOST_APART)
    return _rows(connection, _SELECT.where(or_(config.c.id >= first, also)))


def is_revision(connection: Connection, revision: int) -> bool:
    """Whether a revision ends with the row of that id."""
    row = _rows(connection, _SELECT.where(config.c.id == revision))
    return bool(row) and row[0].revision in (None, revision)


def _insert(connection: Connection, key: str, value: str, author: str, reason: str) -> int:
    row = {"config_key": key, "config_value": value, "author": author, "reason": reason}
    return insert_counted(connection, config, row)


def _rows(connection: Connection, wanted: "Select[tuple[object, ...]]") -> list[ConfigRow]:
    return [ConfigRow(**row) for row in connection.execute(wanted).mappings()]


_SELECT = select(
    config.c.id,
    config.c.meta__inserted_at.label("inserted_at"),
    config.c.config_key.label("key"),
    config.c.config_value.label("value"),
    config.c.revision,
    config.c.author,
    config.c.reason,
).order_by(config.c.id.desc())
