"""The `readings`: what an experiment had shown when it was last counted for a page, the newest of each."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data.dialect import upsert_newest
from data.tables import readings


@dataclass(frozen=True, slots=True)
class Reading:
    """Counted at `read_at`. `basis` is a digest of all that it was counted by besides the clients; `content` is text,
    since MySQL would sort the keys of a document."""

    subject: str
    basis: str
    read_at: datetime
    content: str


def put(connection: Connection, reading: Reading) -> None:
    """Keeps the reading, unless one of a later instant is kept."""
    upsert_newest(connection, readings, [asdict(reading)], readings.c.read_at, readings.c.basis)


def get(connection: Connection, subject: str, basis: str) -> Reading | None:
    wanted = select(readings).where(readings.c.subject == subject, readings.c.basis == basis)
    row = connection.execute(wanted).mappings().first()
    return Reading(**row) if row else None
