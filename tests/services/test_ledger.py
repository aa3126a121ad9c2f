"""Records reach the tables once, mail with them, and no fault is mistaken for another."""

import gzip
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from data import notifications, prediction_log
from data.archive import FolderArchive
from data.engine import build_engine
from data.outbox import Shipper
from data.pump import RecordsRefused, Reports
from data.queue import MESSAGES, MESSAGES_A_JOB, Queue
from data.s3_archive import S3Archive
from data.spool import Spool
from data.tables import model_logs
from data.tables import notifications as notification_table
from services.ledger import ArchiveSink, LedgerSink
from tests.support.letters import ANSWERED_AT, spool_record
from tests.support.peers import S3Peer

NOWHERE = "redis://127.0.0.1:1/0"


def ids(records: list[bytes]) -> list[str]:
    return [orjson.loads(record)["prediction_id"] for record in records]


def ledger_ids(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.scalars(select(model_logs.c.prediction_id)))


@pytest.fixture
def queue(redis_client: redis.Redis, redis_url: str) -> Queue:
    return Queue(redis_url)


def test_a_record_becomes_its_row_and_its_mail(engine: Engine, queue: Queue) -> None:
    plain, mailed = spool_record(), spool_record(["one@example.com", "two@example.com"], client_id="äbc")
    LedgerSink(engine, queue).deliver([plain, mailed])
    with engine.connect() as connection:
        row = prediction_log.find(connection, ids([mailed])[0])
        due = notifications.find(connection, ids([mailed])[0])
        assert notifications.find(connection, ids([plain])[0]) is None
    assert row is not None
    assert (row.client_id, row.answered_at, row.money_at_risk, row.high_risk) == ("äbc", ANSWERED_AT, 896.62, True)
    assert row.silent_scores == {"heuristic@1": 0.4}
    assert due is not None
    assert due.recipients == ["one@example.com", "two@example.com"]
    assert due.message["request_id"] == "request-1"
    assert queue.depth() == 1
    assert queue.waiting(ids([plain, mailed])) == set(ids([mailed]))


def test_a_job_carries_the_mail_of_many_records(engine: Engine, queue: Queue) -> None:
    batch = [spool_record(["one@example.com"]) for _ in range(2 * MESSAGES_A_JOB + 1)]
    LedgerSink(engine, queue).deliver(batch)
    assert queue.depth() == 3
    assert queue.waiting([*ids(batch), "another"]) == set(ids(batch))


def test_a_batch_that_comes_again_changes_nothing(engine: Engine, queue: Queue) -> None:
    batch = [spool_record(["one@example.com"]) for _ in range(20)]
    sink = LedgerSink(engine, queue)
    sink.deliver(batch)
    sink.deliver([*batch, spool_record()])
    assert len(ledger_ids(engine)) == 21
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(notification_table)) == 20


def test_without_a_queue_the_ledger_is_written_all_the_same(engine: Engine) -> None:
    sink = LedgerSink(engine, Queue(NOWHERE))
    for _ in range(3):
        sink.deliver([spool_record(["one@example.com"])])
    assert len(ledger_ids(engine)) == 3


def test_no_mail_tells_a_score_that_is_held_back(engine: Engine, queue: Queue) -> None:
    record = spool_record(["one@example.com"], arm="holdout", prediction=None, high_risk=None, money_at_risk=None)
    LedgerSink(engine, queue).deliver([record])
    with engine.connect() as connection:
        assert notifications.find(connection, ids([record])[0]) is None
    assert queue.depth() == 0


POISON: dict[str, dict[str, Any]] = {
    "a text too long": {"model": "x" * 101},
    "a client id too long": {"client_id": "😀" * 191},
    "a missing value": {"cutoff": None},
    "text for a number": {"prediction": "high"},
    "a number too large": {"config_revision": 2**63},
    "no text for an id": {"prediction_id": ["a"]},
    "no silent scores": {"silent_scores": ["a@1", 0.5]},
    "text for a silent score": {"client_id": "new", "silent_scores": {"a@1": "high"}},
    "a silent model too long": {"client_id": "new", "silent_scores": {"x" * 211: 0.5}},
    "a time without a zone": {"answered_at": datetime(2026, 1, 1)},
    "no time": {"answered_at": 5},
    "bad recipients": {"email": {"to": "x"}},
}


def poison(kind: str) -> bytes:
    given = dict(POISON[kind])
    email = given.pop("email", None)
    record = orjson.loads(spool_record(**given))
    return orjson.dumps({**record, "email": email} if email else record)


@pytest.mark.parametrize("kind", POISON)
def test_a_record_that_no_table_takes_is_refused(engine: Engine, queue: Queue, kind: str) -> None:
    with pytest.raises(RecordsRefused):
        LedgerSink(engine, queue).deliver([spool_record(), poison(kind)])
    assert ledger_ids(engine) == []


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b"null", b'{"prediction_id": 1', b"\xff"])
def test_what_is_no_record_is_refused(engine: Engine, queue: Queue, record: bytes) -> None:
    with pytest.raises(RecordsRefused):
        LedgerSink(engine, queue).deliver([record])


def test_one_poison_record_costs_itself_alone(tmp_path: Path, engine: Engine, queue: Queue) -> None:
    quarantined: list[int] = []
    spool = Spool(tmp_path)
    reports = Reports(quarantined=lambda _sink, number: quarantined.append(number))
    shipper = Shipper(spool, [LedgerSink(engine, queue)], reports=reports)
    good = [spool_record() for _ in range(60)]
    for number, record in enumerate(good):
        if number in {7, 30, 31}:
            spool.append(poison("a text too long"))
        spool.append(record)
    shipper.start()
    assert shipper.flush(20)
    assert shipper.depth() == 0
    shipper.close(1)
    assert ledger_ids(engine) == sorted(ids(good))
    assert sum(quarantined) == 3


def test_a_missing_table_is_an_outage_and_no_fault_of_the_records(tmp_path: Path, engine: Engine, queue: Queue) -> None:
    """As while a migration is still to come."""
    sink = LedgerSink(engine, queue)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE model_logs RENAME TO model_logs_away"))
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the driver's choice, but not a refusal
            sink.deliver([spool_record()])
        assert not isinstance(caught.value, RecordsRefused)
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE model_logs_away RENAME TO model_logs"))
    sink.deliver([spool_record()])
    assert len(ledger_ids(engine)) == 1


def test_an_unreachable_database_is_an_outage(queue: Queue) -> None:
    away = build_engine("mysql+pymysql://root@127.0.0.1:1/none")
    with pytest.raises(OperationalError):
        LedgerSink(away, queue).deliver([spool_record()])


READ_ONLY = {"sqlite": "PRAGMA query_only = ON", "mysql": "SET SESSION TRANSACTION READ ONLY"}


def test_a_read_only_database_is_an_outage(database_url: str, queue: Queue) -> None:
    """As after a failover to a replica."""
    locked = build_engine(database_url)
    spell = READ_ONLY[locked.dialect.name]
    event.listen(locked, "connect", lambda connection, _record: connection.cursor().execute(spell))
    with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
        LedgerSink(locked, queue).deliver([spool_record()])
    locked.dispose()


APPENDER = """
import sys
from pathlib import Path
from data.spool import Spool
from tests.support.letters import spool_record
import orjson
spool = Spool(Path(sys.argv[1]))
while True:
    record = spool_record(["one@example.com"])
    spool.append(record)
    print(orjson.loads(record)["prediction_id"], flush=True)
"""

SHIPPER = """
import sys, time
from pathlib import Path
from data.engine import build_engine
from data.outbox import Shipper
from data.pump import Reports
from data.queue import Queue
from data.spool import Spool
from services.ledger import LedgerSink
sink = LedgerSink(build_engine(sys.argv[2]), Queue("redis://127.0.0.1:1/0"))
sink.max_records = 20
reports = Reports(shipped=lambda _sink, number: print("shipped", number, flush=True))
shipper = Shipper(Spool(Path(sys.argv[1])), [sink], reports=reports, tick=0.05)
shipper.start()
time.sleep(60)
"""


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def acknowledged(process: "subprocess.Popen[str]", number: int) -> list[str]:
    """What the process said until it was killed, after at least `number` lines, its log left out."""
    assert process.stdout is not None
    said = (line.strip() for line in process.stdout if line.endswith("\n") and "[" not in line)
    found = [next(said) for _ in range(number)]
    process.send_signal(signal.SIGKILL)
    found += said
    process.stdout.close()
    process.wait()
    return found


def test_everything_acknowledged_is_in_the_ledger_once_though_all_were_killed(
    tmp_path: Path, engine: Engine, database_url: str, queue: Queue
) -> None:
    """Processes that append are killed, and so are those that ship what the dead left."""
    appenders = [start(APPENDER, tmp_path) for _ in range(3)]
    expected = [one for process in appenders for one in acknowledged(process, 300)]
    for batches in (3, 5, 7):
        acknowledged(start(SHIPPER, tmp_path, database_url), batches)
    assert 13 * 20 <= len(ledger_ids(engine)) < len(expected)  # each death repeats one batch at most
    shipper = Shipper(Spool(tmp_path), [LedgerSink(engine, queue)], tick=0.05)
    shipper.start()
    deadline = time.monotonic() + 30
    while any(path.name.startswith("spool-") for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shipper.close(1)
    found = ledger_ids(engine)
    assert set(expected) <= set(found)
    assert len(found) - len(expected) <= len(appenders)  # appended, and killed before it could be said
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(notification_table)) == len(found)


def test_the_archive_keeps_each_batch_as_one_object_whatever_is_repeated(tmp_path: Path) -> None:
    sink = ArchiveSink(FolderArchive(tmp_path))
    batch = [spool_record() for _ in range(3)]
    sink.deliver(batch)
    sink.deliver(batch)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert str(path.relative_to(tmp_path)) == f"ledger/2026/11/22/{ids(batch)[0]}-3.jsonl.gz"
    assert gzip.decompress(path.read_bytes()).splitlines() == batch


def test_the_archive_in_s3_has_every_record_once_after_an_outage(tmp_path: Path, s3_peer: S3Peer) -> None:
    down = ArchiveSink(S3Archive(s3_peer.bucket, "http://127.0.0.1:1"))
    spool = Spool(tmp_path)
    records = [spool_record() for _ in range(100)]
    for record in records:
        spool.append(record)
    shipper = Shipper(spool, [down])
    shipper.start()
    assert not shipper.close(0.5)
    up = ArchiveSink(S3Archive(s3_peer.bucket, s3_peer.endpoint_url))
    heir = Shipper(Spool(tmp_path), [up], tick=0.05)
    heir.start()
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    heir.close(1)
    lines = [line for key in s3_peer.listing() for line in gzip.decompress(s3_peer.body(key)).splitlines()]
    assert lines == records


def test_times_are_kept_to_the_microsecond(engine: Engine, queue: Queue) -> None:
    record = spool_record(answered_at=datetime(2026, 11, 22, 23, 59, 59, 999_999, UTC))
    LedgerSink(engine, queue).deliver([record])
    with engine.connect() as connection:
        row = prediction_log.find(connection, ids([record])[0])
    assert row is not None
    assert row.answered_at.microsecond == 999_999


def test_jobs_are_in_the_queue_of_messages_alone(engine: Engine, queue: Queue, redis_client: redis.Redis) -> None:
    LedgerSink(engine, queue).deliver([spool_record(["one@example.com"])])
    assert redis_client.llen(f"rq:queue:{MESSAGES}") == 1
