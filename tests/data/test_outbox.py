"""Every record reaches every sink, in order, whatever fails on the way."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.outbox import Shipper
from data.pump import Reports
from data.quarantine import FOLDER
from data.spool import Spool
from tests.support.recording import RecordingSink


def numbers(start: int, stop: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, stop)]


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


@contextmanager
def shipping(root: Path, *sinks: RecordingSink, **options: object) -> Iterator[tuple[Spool, Shipper]]:
    spool = Spool(root, segment_bytes=400)
    shipper = Shipper(spool, sinks, tick=0.05, **options)  # type: ignore[arg-type]
    shipper.start()
    with ExitStack() as stack:
        stack.callback(shipper.close, 0.5)
        for sink in sinks:
            stack.callback(sink.gate.set)
        yield spool, shipper


def fill(root: Path, records: list[bytes]) -> None:
    """What a process that is gone left behind."""
    spool = Spool(root, segment_bytes=400)
    for record in records:
        spool.append(record)
    spool.close(delete=False)


def test_a_record_is_shipped_soon_after_it_was_appended(tmp_path: Path) -> None:
    sink = RecordingSink()
    with shipping(tmp_path, sink) as (spool, _):
        took = []
        for number in range(1, 6):
            started = time.monotonic()
            spool.append(b"one")
            wait_for(lambda: len(sink.records) == number)  # noqa: B023
            took.append(time.monotonic() - started)
        assert min(took[1:]) < 0.5, "on a busy machine once at least"


def test_records_arrive_in_order_once_and_nothing_is_left_on_disk(tmp_path: Path) -> None:
    first, second = RecordingSink("ledger"), RecordingSink("archive", max_records=7, fixed_batches=True)
    shipped: dict[str, int] = {}
    depths: list[int] = []

    def count(sink: str, number: int) -> None:
        shipped[sink] = shipped.get(sink, 0) + number

    with shipping(tmp_path, first, second, reports=Reports(shipped=count), on_depth=depths.append) as (
        spool,
        shipper,
    ):
        for record in numbers(0, 500):
            spool.append(record)
        assert shipper.flush(5)
        assert shipper.depth() == 0
        wait_for(lambda: bool(depths) and depths[-1] == 0)
    assert first.records == second.records == numbers(0, 500)
    assert max(len(batch) for batch in second.batches) <= 7
    assert shipped == {"ledger": 500, "archive": 500}
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_hangs_delays_no_other(tmp_path: Path) -> None:
    ledger, archive = RecordingSink("ledger"), RecordingSink("archive")
    archive.gate.clear()
    with shipping(tmp_path, ledger, archive) as (spool, shipper):
        for record in numbers(0, 50):
            spool.append(record)
        wait_for(lambda: len(ledger.records) == 50)
        assert shipper.depth() == 0
        assert archive.records == []
        assert not shipper.flush(0.1)
        archive.gate.set()
        assert shipper.flush(5)
        assert archive.records == numbers(0, 50)


def test_an_outage_keeps_everything_and_is_over_when_it_is_over(tmp_path: Path) -> None:
    sink = RecordingSink()
    sink.outage = ConnectionError("gone")
    with shipping(tmp_path, sink) as (spool, shipper):
        for record in numbers(0, 100):
            spool.append(record)
        wait_for(lambda: sink.attempts >= 3)
        assert shipper.depth() == 100
        assert sink.attempts < 20  # the pauses grow
        sink.outage = None
        assert shipper.flush(8)
    assert sink.records == numbers(0, 100)
    assert not (tmp_path / FOLDER).exists()


def test_a_poison_record_is_isolated_and_kept_aside(tmp_path: Path) -> None:
    ledger, archive = RecordingSink("ledger"), RecordingSink("archive")
    ledger.poison = {b"13", b"37", b"38"}
    quarantined: list[tuple[str, int]] = []
    reports = Reports(quarantined=lambda sink, count: quarantined.append((sink, count)))
    with shipping(tmp_path, ledger, archive, reports=reports) as (spool, shipper):
        for record in numbers(0, 100):
            spool.append(record)
        assert shipper.flush(5)
        assert shipper.depth() == 0
    assert sorted(ledger.records) == sorted(set(numbers(0, 100)) - ledger.poison)
    assert archive.records == numbers(0, 100)
    kept = sorted(path.read_bytes().split(b" ", 1)[1].strip() for path in (tmp_path / FOLDER).iterdir())
    assert kept == [b"13", b"37", b"38"]
    assert quarantined == [("ledger", 1)] * 3


def test_damage_is_kept_aside_once_and_the_rest_is_shipped(tmp_path: Path) -> None:
    fill(tmp_path, numbers(0, 100))
    first, *_, last = sorted(tmp_path.glob("*/*.log"))
    content = bytearray(first.read_bytes())
    content[25] ^= 0xFF
    first.write_bytes(content)
    os.truncate(last, last.stat().st_size - 3)
    ledger, archive = RecordingSink("ledger"), RecordingSink("archive")
    quarantined: list[str] = []
    reports = Reports(quarantined=lambda sink, _count: quarantined.append(sink))
    with shipping(tmp_path, ledger, archive, reports=reports):
        wait_for(lambda: len(ledger.records) == len(archive.records) == 98)
        wait_for(lambda: [path.name for path in tmp_path.iterdir()] == [FOLDER])
    assert ledger.records == archive.records
    assert len(list((tmp_path / FOLDER).iterdir())) == len(quarantined) == 2


def test_a_dead_process_folder_is_shipped_from_where_it_was_left(tmp_path: Path) -> None:
    sink = RecordingSink()
    sink.outage = ConnectionError("gone")
    with shipping(tmp_path, sink) as (spool, shipper):
        for record in numbers(0, 100):
            spool.append(record)
        assert not shipper.close(0.2)
    heir = RecordingSink()
    with shipping(tmp_path, heir) as (spool, shipper):
        spool.append(b"own")
        wait_for(lambda: len(heir.records) == 101)
        assert shipper.depth() == 0
    assert sorted(heir.records) == sorted([*numbers(0, 100), b"own"])
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_was_tried_keeps_its_bounds_in_the_next_process(tmp_path: Path) -> None:
    fill(tmp_path, numbers(0, 10))
    sink = RecordingSink("archive", max_records=3, fixed_batches=True)
    sink.outage = ConnectionError("gone")
    with shipping(tmp_path, sink):
        wait_for(lambda: sink.attempts > 0)
    heir = RecordingSink("archive", max_records=100, fixed_batches=True)
    with shipping(tmp_path, heir):
        wait_for(lambda: len(heir.records) == 10)
    assert heir.batches[0] == numbers(0, 3)


SHIP = r"""
import os, sys, time
from pathlib import Path
from data.outbox import Shipper
from data.spool import Spool

class Printer:
    name, max_records, max_bytes, linger, fixed_batches = "ledger", 5, 1_000_000, 0.0, False
    def deliver(self, records):
        with open(sys.argv[3], "ab") as file:
            file.writelines(record + b"\n" for record in records)

open(sys.argv[3], "wb").close()
while not os.path.exists(sys.argv[2]):
    pass
shipper = Shipper(Spool(Path(sys.argv[1])), [Printer()], tick=0.02)
shipper.start()
time.sleep(1.5)
shipper.close(5)
"""


def test_two_processes_that_adopt_at_once_ship_everything_once(tmp_path: Path) -> None:
    for number in range(60):
        fill(tmp_path, numbers(number * 20, number * 20 + 20))
    go, *outputs = [tmp_path.parent / f"{tmp_path.name}-{name}" for name in ("go", "one", "two")]
    processes = [subprocess.Popen([sys.executable, "-c", SHIP, tmp_path, go, output]) for output in outputs]
    wait_for(lambda: all(output.exists() for output in outputs), 20)
    go.touch()
    assert [process.wait(30) for process in processes] == [0, 0]
    found = [output.read_text().split() for output in outputs]
    assert sorted(map(int, found[0] + found[1])) == list(range(1_200))
    assert list(tmp_path.iterdir()) == []


def test_lingering_gathers_a_batch_and_flushing_does_not_wait_for_it(tmp_path: Path) -> None:
    sink = RecordingSink("archive")
    sink.linger = 60.0
    with shipping(tmp_path, sink) as (spool, shipper):
        spool.append(b"first")
        wait_for(lambda: sink.records == [b"first"])
        for record in numbers(0, 5):
            spool.append(record)
        time.sleep(0.4)
        assert sink.records == [b"first"]
        assert shipper.flush(2)
        assert sink.batches[1:] == [numbers(0, 5)]


def test_a_forked_child_ships_its_own_after_start(tmp_path: Path) -> None:
    sink = RecordingSink()
    spool = Spool(tmp_path)
    shipper = Shipper(spool, [sink], tick=0.05)
    child = os.fork()
    if child == 0:
        shipper.start()
        spool.append(b"child")
        os._exit(0 if shipper.close(5) and sink.records == [b"child"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_full_for_cursors_still_lets_records_through(tmp_path: Path) -> None:
    sink = RecordingSink()
    with shipping(tmp_path, sink) as (spool, shipper):
        spool.append(b"one")
        assert shipper.flush(5)
        folder = next(path for path in tmp_path.iterdir())
        (folder / "ledger.draft").mkdir()  # no draft of a cursor can be written now
        spool.append(b"two")
        assert shipper.flush(5)
        (folder / "ledger.draft").rmdir()
    assert sink.records == [b"one", b"two"]
