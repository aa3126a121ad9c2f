"""Memory and file descriptors of a deployment's processes, sampled while it runs, and how they change."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import psutil

from tests.support.deployment import Deployment, tree

MEGABYTE = 2**20
_ANONYMOUS = re.compile(r"^Anonymous: +(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """`hour` since the first sample of all; memory in MB, `own` as `own_memory` tells it; `files` without the
    connections of clients."""

    hour: float
    own: float
    rss: float
    files: int


@dataclass
class Life:
    """One process from its start to its end: killed ones are followed by a life of another."""

    role: str
    pid: int
    samples: list[Sample] = field(default_factory=list)

    def after(self, warm_up: float) -> list[Sample]:
        """The samples later than `warm_up` hours after its first."""
        return [each for each in self.samples if each.hour >= self.samples[0].hour + warm_up]


class Vitals:
    """Samples every process of `deployment` each `seconds`, in a thread, within the context."""

    def __init__(self, deployment: Deployment, seconds: float = 10.0) -> None:
        self._deployment = deployment
        self._seconds = seconds
        self._begun = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._lives: dict[tuple[int, float], Life] = {}

    def __enter__(self) -> "Vitals":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def lives(self) -> list[Life]:
        return list(self._lives.values())

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            for role, process in self._processes():
                with suppress(psutil.Error):
                    self._sample(role, process)

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        for name, started in list(self._deployment.processes.items()):
            with suppress(psutil.Error):
                parent, *children = tree(started.pid)
                yield (f"{name} (parent)" if name == "web" else name), parent
                yield from ((name, child) for child in children)

    def _sample(self, role: str, process: psutil.Process) -> None:
        clients = sum(
            bool(each.raddr) and each.laddr.port == self._deployment.port for each in process.net_connections("tcp")
        )
        sample = Sample(
            hour=(time.monotonic() - self._begun) / 3_600,
            own=own_memory(process),
            rss=process.memory_info().rss / MEGABYTE,
            files=process.num_fds() - clients,
        )
        key = process.pid, process.create_time()
        self._lives.setdefault(key, Life(role, process.pid)).samples.append(sample)


@dataclass(frozen=True, slots=True)
class Trend:
    """Of the processes of one role. Slopes in MB an hour, by least squares: `pooled` over all their lives, with a
    level of its own for each; `longest_own` and `longest_rss` of the life that was watched longest, for
    `longest_minutes` after its warm-up. `files_more`: by how many its descriptors grew, the median of its last
    quarter less that of its first."""

    role: str
    lives: int
    own: float
    pooled: float | None
    longest_minutes: float
    longest_own: float | None
    longest_rss: float | None
    files: float
    files_more: float | None


def own_memory(process: psutil.Process) -> float:
    """In MB what the process holds that is in no file. Only Linux tells it; elsewhere it is the unique set size.

    What a forked process has of its parent counts from the start, as it does in the parent. In the unique set size it
    would count from when others first write to it or end: no growth, and not the doing of who seems to grow.
    """
    try:
        told = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return float(process.memory_full_info().uss / MEGABYTE)
    return sum(int(kilobytes) for kilobytes in _ANONYMOUS.findall(told)) / 1024


def trends(lives: Sequence[Life], warm_up: float) -> list[Trend]:
    """By role. What is younger than `warm_up` hours is left out."""
    by_role: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        by_role[life.role].append(life)
    return [_trend(role, some, warm_up) for role, some in sorted(by_role.items())]


def _trend(role: str, lives: Sequence[Life], warm_up: float) -> Trend:
    warm = [found for life in lives if len(found := life.after(warm_up)) > 1]
    longest = max(warm, key=lambda samples: samples[-1].hour - samples[0].hour, default=[])
    newest = [life.samples[-1] for life in lives]
    return Trend(
        role=role,
        lives=len(lives),
        own=max(each.own for each in newest),
        pooled=slope([[(each.hour, each.own) for each in samples] for samples in warm]),
        longest_minutes=60 * (longest[-1].hour - longest[0].hour) if longest else 0.0,
        longest_own=slope([[(each.hour, each.own) for each in longest]]),
        longest_rss=slope([[(each.hour, each.rss) for each in longest]]),
        files=median(each.files for each in newest),
        files_more=_more(longest),
    )


def slope(series: Sequence[Sequence[tuple[float, float]]]) -> float | None:
    """The slope that all series share, each about a level of its own, by least squares; None without two points."""
    centred = [point for points in series for point in _centred(points)]
    spread = sum(x * x for x, _ in centred)
    return sum(x * y for x, y in centred) / spread if spread else None


def _centred(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    if not points:
        return []
    x_level, y_level = (mean(values) for values in zip(*points, strict=True))
    return [(x - x_level, y - y_level) for x, y in points]


def _more(samples: Sequence[Sample]) -> float | None:
    quarter = len(samples) // 4
    if not quarter:
        return None
    return median(each.files for each in samples[-quarter:]) - median(each.files for each in samples[:quarter])
