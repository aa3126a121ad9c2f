"""What was appended is there, whatever happens to the process, the disk or the folder."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from data import folders, quarantine
from data.frames import frame
from data.journal import START, Journal, Position
from data.spool import Spool, SpoolFull


def read_all(journal: Journal, position: Position = START) -> list[bytes | None]:
    """Every record from `position` on; None stands for damage."""
    found: list[bytes | None] = []
    while True:
        batch = journal.read(position, records=3, size=64)
        found += [piece.record for piece in batch.pieces]
        if not batch.pieces and batch.end == position:
            return found
        position = batch.end


def adopt_all(root: Path) -> list[bytes | None]:
    """What dead processes left under `root`."""
    found: list[bytes | None] = []
    for folder in folders.abandoned(root):
        found += read_all(Journal(folder.path, growing=False))
        folder.release()
    return found


def own(spool: Spool) -> Journal:
    journal = spool.journal()
    assert journal is not None
    return journal


def fill_up(spool: Spool) -> int:
    """Appends until there is no room; how many records fitted."""
    with contextlib.suppress(SpoolFull):
        while spool.appended < 100:
            spool.append(b"x" * 100)
    return spool.appended


def test_nothing_is_made_before_the_first_append(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert spool.journal() is None
    spool.close(delete=True)
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("fsync", ["second", "always"])
def test_records_of_many_threads_all_arrive_over_many_files(tmp_path: Path, fsync: str) -> None:
    spool = Spool(tmp_path, segment_bytes=500, fsync=fsync)  # type: ignore[arg-type]

    def write(thread: int) -> None:
        for number in range(50):
            spool.append(f"{thread}:{number}".encode())

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.sync()
    found = [record.decode().split(":") for record in read_all(own(spool)) if record]
    assert spool.appended == len(found) == 400
    assert own(spool).tail().segment > 8
    for number in range(8):
        assert [int(n) for t, n in found if int(t) == number] == list(range(50))
    assert own(spool).count_from(START) == 400


def test_a_living_process_keeps_its_folder_and_a_closed_one_is_adopted_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"one")
    assert folders.abandoned(tmp_path) == []
    spool.close(delete=False)
    first, second = folders.abandoned(tmp_path), folders.abandoned(tmp_path)
    assert (len(first), len(second)) == (1, 0)
    assert read_all(Journal(first[0].path, growing=False)) == [b"one"]
    folders.delete(first[0])
    assert list(tmp_path.iterdir()) == []


def test_another_hosts_folder_is_adopted_when_it_has_been_silent_for_long(tmp_path: Path) -> None:
    """As on a volume whose locks one host does not see of the other: nobody holds it, as far as one can see."""
    spool = Spool(tmp_path)
    spool.append(b"one")
    spool.close(delete=False)
    (folder,) = tmp_path.iterdir()
    folder = folder.rename(folder.with_name(folder.name[:-8] + "0therone"))
    assert folders.abandoned(tmp_path) == []
    silent_since = time.time() - folders.SILENCE_SECONDS - 1
    os.utime(folder / folders.LOCK, (silent_since, silent_since))
    assert adopt_all(tmp_path) == [b"one"]


def test_a_living_process_shows_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.show_life()
    spool.append(b"one")
    (lock,) = tmp_path.glob("*/lock")
    os.utime(lock, (0, 0))
    spool.show_life()
    assert time.time() - lock.stat().st_mtime < 5


def test_a_deletion_that_died_half_way_is_adopted_and_finished(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"one")
    spool.close(delete=False)
    (folder,) = tmp_path.iterdir()
    (folder / "lock").unlink()
    (adopted,) = folders.abandoned(tmp_path)
    folders.delete(adopted)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", range(1, len(frame(b'{"n": 2}'))))
def test_a_tail_torn_at_any_byte_is_reported_and_the_rest_read(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path)
    spool.append(b'{"n": 1}')
    spool.append(b'{"n": 2}')
    end = spool.tail().offset
    spool.close(delete=False)
    (segment,) = tmp_path.glob("*/*.log")
    os.truncate(segment, end - cut)
    assert adopt_all(tmp_path) == [b'{"n": 1}', None]


def test_a_forked_child_starts_its_own_folder_and_leaves_the_lock_to_the_parent(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"parent before")
    ready, release = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        spool.append(b"child")
        os.write(ready[1], b"!")
        os.read(release[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    spool.append(b"parent after")
    assert read_all(own(spool)) == [b"parent before", b"parent after"]
    assert len(list(tmp_path.iterdir())) == 2
    assert folders.abandoned(tmp_path) == []
    spool.close(delete=False)
    assert adopt_all(tmp_path) == [b"parent before", b"parent after"]  # though the child lives
    os.write(release[1], b"!")
    os.waitpid(child, 0)
    assert adopt_all(tmp_path) == [b"parent before", b"parent after", b"child"]


def test_what_is_set_aside_takes_room_and_is_counted_when_files_come_or_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.measure() == 0
    quarantine.keep(tmp_path, "one", b"x" * 100, "a test")
    quarantine.keep(tmp_path, "two", b"x" * 50, "a test")
    assert spool.measure() == 150
    folder = tmp_path / quarantine.FOLDER
    os.utime(folder, (1, 1))  # long unchanged
    assert spool.measure() == 150
    (folder / "one.bad").write_bytes(b"")  # nothing does this: it shows that files are not looked at again
    assert spool.measure() == 150
    (folder / "two.bad").unlink()
    assert spool.measure() == 0


def test_a_full_spool_refuses_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2_000)
    kept = fill_up(spool)
    assert 15 <= kept < 20
    with pytest.raises(SpoolFull, match="SPOOL_MAX_BYTES"):
        spool.append(b"x" * 100)
    assert spool.measure() <= 2_000
    own(spool).drop_before(spool.tail())
    spool.measure()
    spool.append(b"again")
    assert read_all(own(spool))[-1] == b"again"


def test_other_processes_bytes_count_as_well(tmp_path: Path) -> None:
    other = Spool(tmp_path)
    other.append(b"x" * 1_500)
    spool = Spool(tmp_path, max_bytes=2_000)
    spool.measure()
    with pytest.raises(SpoolFull):
        spool.append(b"x" * 600)


LIMITED = """
import resource, sys
from pathlib import Path
from data.spool import Spool, SpoolFull
spool = Spool(Path(sys.argv[1]))
spool.append(b"first")
resource.setrlimit(resource.RLIMIT_FSIZE, (60, resource.RLIM_INFINITY))
try:
    spool.append(b"x" * 200)
except SpoolFull as error:
    print("refused", error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append(b"last")
"""


def run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path.cwd()).stdout


def test_a_write_that_the_system_cuts_leaves_nothing_behind(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert "refused The outbox cannot write" in run(LIMITED, tmp_path)
    assert adopt_all(tmp_path) == [b"first", b"last"]


FILL = """
import sys
from pathlib import Path
from data.spool import Spool, SpoolFull
root = Path(sys.argv[1])
spool = Spool(root / "spool")
for number in range(100_000):
    try:
        spool.append(b"%d " % number + b"x" * 3000)
    except SpoolFull:
        break
(root / "ballast").unlink()
spool.append(b"room again")
print(number)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_costs_the_refused_record_alone(tmp_path: Path) -> None:
    script = (
        'mount -t tmpfs -o size=1m tmpfs "$1" && head -c 400000 /dev/zero > "$1/ballast" && '
        '"$2" -c "$3" "$1" && cp -r "$1/spool" "$4"'
    )
    kept = tmp_path.parent / f"{tmp_path.name}-kept"
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, FILL, str(kept)]
    completed = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path.cwd())
    if completed.returncode and "Operation not permitted" in completed.stderr:
        pytest.skip("this sandbox does not let root mount a file system")
    assert completed.returncode == 0, completed.stderr
    found = adopt_all(kept)
    accepted = int(completed.stdout)
    assert accepted > 50
    assert [int(record.split()[0]) for record in found[:-1] if record] == list(range(accepted))
    assert found[-1] == b"room again"


LIMITED_BATCHES = """
import resource, sys, threading
from pathlib import Path
from data.journal import START
from data.spool import Spool, SpoolFull
spool = Spool(Path(sys.argv[1]))
spool.append(b"first")
journal, seen, stopped = spool.journal(), set(), threading.Event()

def look():
    while not stopped.is_set():
        for records, size in ((1_000, 1_000_000), (1, 1)):
            batch = journal.read(START, records=records, size=size)
            seen.update(piece.record for piece in batch.pieces)

reader = threading.Thread(target=look)
reader.start()
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
refused = 0
for attempt in range(300):
    try:
        spool.append_many([b"%d of a refused batch" % number + b"x" * 1_000 for number in range(400)])
    except SpoolFull:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append_many([b"second", b"third"])
stopped.set()
reader.join()
print(refused, spool.appended, seen <= {b"first", b"second", b"third"})
"""


def test_nothing_of_a_batch_that_the_system_cuts_is_kept_or_ever_read(tmp_path: Path) -> None:
    assert run(LIMITED_BATCHES, tmp_path).split() == ["300", "3", "True"]
    assert adopt_all(tmp_path) == [b"first", b"second", b"third"]


@pytest.mark.parametrize("fsync", ["second", "always"])
def test_a_batch_is_kept_whole_or_refused_whole(tmp_path: Path, fsync: str) -> None:
    spool = Spool(tmp_path, max_bytes=2_000, fsync=fsync)  # type: ignore[arg-type]
    spool.append_many([b"x" * 100] * 10)
    with pytest.raises(SpoolFull, match="SPOOL_MAX_BYTES"):
        spool.append_many([b"y" * 100] * 10)
    spool.append_many([])
    assert (spool.appended, read_all(own(spool))) == (10, [b"x" * 100] * 10)


def test_records_that_cannot_be_framed_cost_the_whole_batch(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(ValueError, match="newline"):
        spool.append_many([b"good", b"two\nlines"])
    assert spool.appended == 0


def test_a_full_spool_says_so_until_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=2_000)
    assert spool.has_room()
    fill_up(spool)
    assert not spool.has_room()
    own(spool).drop_before(Position(spool.tail().segment, 0))
    spool.measure()
    assert spool.has_room()


def test_a_place_that_cannot_be_written_says_so_until_it_can(tmp_path: Path) -> None:
    place = tmp_path / "spool"
    place.write_bytes(b"a file where the folder should be")
    spool = Spool(place)
    with pytest.raises(SpoolFull, match="cannot write"):
        spool.append(b"one")
    with contextlib.suppress(OSError):
        spool.measure()
    assert not spool.has_room()
    place.unlink()
    spool.measure()
    assert spool.has_room()
    assert list(place.iterdir()) == []
    spool.append(b"two")


APPENDER = """
import sys
from pathlib import Path
from data.spool import Spool
spool = Spool(Path(sys.argv[1]), segment_bytes=20_000)
number = 0
while True:
    spool.append(b"%d" % number)
    print(number, flush=True)
    number += 1
"""


def test_a_killed_process_leaves_every_record_that_it_acknowledged(tmp_path: Path) -> None:
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", APPENDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        acknowledged = [int(next(process.stdout)) for _ in range(2_000)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        process.stdout.close()
        process.wait()
        found = [int(record) for record in adopt_all(tmp_path) if record is not None]
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) - len(acknowledged) <= 1  # appended, and killed before it could say so
        for folder in folders.abandoned(tmp_path):
            folders.delete(folder)


def test_a_deleted_folder_takes_no_record_into_nowhere(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(b"kept")
    shutil.rmtree(tmp_path / "spool")
    with pytest.raises(SpoolFull, match="deleted"):
        spool.append(b"would be lost")
