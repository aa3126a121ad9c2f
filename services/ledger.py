"""Where the outbox's records go: the database, whose rows also say which mail is due, and the archive."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from data import notifications, prediction_log
from data.archive import Archive
from data.notifications import Notification
from data.prediction_log import LedgerRow
from data.pump import RecordsRefused
from data.queue import Queue
from helpers.failsoft import FailSoft
from services import actions, outcomes
from services.notifications import due_mail

QUEUE_REST_SECONDS = 30.0
LEVEL = 3  # of gzip: less than half of the time that 6 takes, for objects larger by a quarter
# Values that a column does not take, which PyMySQL reports as an operational error all the same.
REFUSED_BY_MYSQL = {1264, 1265, 1292, 1366, 1406, 3140, 3819, 4025}


class LedgerSink:
    """Writes the rows of a batch, and the mail that they make due, in one transaction.

    Then it settles the outcomes and actions that came before the predictions they name, and wakes the worker, if the
    queue can be reached: if not, the sweep finds the rows.
    """

    name = "ledger"
    max_records = 500
    max_bytes = 1_000_000
    linger = 0.5  # a transaction costs as much as many rows: under load one takes a few hundred
    fixed_batches = False

    def __init__(self, engine: Engine, queue: Queue) -> None:
        self._engine = engine
        self._queue = queue
        self._wake = FailSoft("queue", failures=1, rest=QUEUE_REST_SECONDS)

    def deliver(self, records: Sequence[bytes]) -> None:
        parsed = [_parse(record) for record in records]
        mail = [due for _row, due in parsed if due is not None]
        with _refusals(), self._engine.begin() as connection:
            prediction_log.append_many(connection, [row for row, _due in parsed])
            notifications.add_many(connection, mail)
        for settle in (outcomes.settle, actions.settle):
            settle(self._engine, [row.prediction_id for row, _due in parsed])
        ids = [due.message_id for due in mail]
        if ids:
            self._wake.call(lambda: self._queue.enqueue(ids), default=None)


class ArchiveSink:
    """Writes each batch as one object of gzipped JSON lines.

    A batch that comes again is the same object, byte for byte, under the same key.
    """

    name = "archive"
    max_records = 2_000
    max_bytes = 4_000_000
    linger = 10.0
    fixed_batches = True

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def deliver(self, records: Sequence[bytes]) -> None:
        body = gzip.compress(b"\n".join(records) + b"\n", LEVEL, mtime=0)
        self._archive.put(_key(records), body)


def _key(records: Sequence[bytes]) -> str:
    row, _mail = _parse(records[0])
    return f"ledger/{row.answered_at:%Y/%m/%d}/{row.prediction_id}-{len(records)}.jsonl.gz"


def _parse(record: bytes) -> tuple[LedgerRow, Notification | None]:
    try:
        content: dict[str, Any] = orjson.loads(record)
        row = prediction_log.read_record(content)
        if not isinstance(row.prediction_id, str):
            raise TypeError("prediction_id is not text")
        if not isinstance(row.silent_scores, dict):
            raise TypeError("silent_scores is not an object")
        return row, due_mail(row, content.get("email"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordsRefused(f"not a record of the ledger: {type(error).__name__}: {error}") from error


@contextmanager
def _refusals() -> Iterator[None]:
    """Tells what is wrong with the values from what is wrong with the database."""
    try:
        yield
    except (DataError, IntegrityError, OverflowError) as error:
        raise RecordsRefused(str(error)) from error
    except DBAPIError as error:
        if _mysql_code(error) in REFUSED_BY_MYSQL:
            raise RecordsRefused(str(error)) from error
        raise
    except StatementError as error:
        if isinstance(error.orig, ValueError | TypeError):  # a column's type did not take the value
            raise RecordsRefused(str(error.orig)) from error
        raise


def _mysql_code(error: DBAPIError) -> object:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments else None
