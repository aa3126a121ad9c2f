"""How long the service takes from the start of its process to its first answer, and what memory its processes hold."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import requests

from benchmarks.load import drive
from benchmarks.speed.customers import Body
from benchmarks.speed.rivals import WORKERS
from tests.support.deployment import Deployment, tree
from tests.support.traffic import session

STARTS, LOAD_SECONDS = 3, 2
PATIENCE_SECONDS, POLL_SECONDS = 60.0, 0.02
Start = Mapping[str, Any]


def starts(service: Deployment, body: Body, script: Path) -> dict[str, Any]:
    """Starts the web with one worker and with all, in turn. Memory is that of each process after a short load, the
    master's first: what it has for itself alone (USS), and with its part of what it shares (PSS)."""
    found: dict[int, list[Start]] = {1: [], WORKERS: []}
    for _ in range(STARTS):
        for workers, some in found.items():
            service.environ["WEB_CONCURRENCY"] = str(workers)
            some.append(_start(service, body, script))
    return summed_up(found[1], found[WORKERS])


def summed_up(one: Sequence[Start], all_of_them: Sequence[Start]) -> dict[str, Any]:
    """Medians of the starts with one worker and with two."""
    totals = [median(_total(each) for each in some) for some in (one, all_of_them)]
    seconds = [each["seconds"] for each in all_of_them]
    return {
        "seconds": median(seconds),
        "all_seconds": seconds,
        "memory": [_middle(each) for each in zip(*(each["memory"] for each in all_of_them), strict=True)],
        "mb_one_worker": totals[0],
        "mb_two_workers": totals[1],
        "mb_second_worker": round(totals[1] - totals[0], 1),
    }


def _middle(process: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(each[name] for each in process) for name in process[0]}


def _total(start: Start) -> float:
    found: float = round(sum(each["pss_mb"] for each in start["memory"]), 1)
    return found


def _start(service: Deployment, body: Body, script: Path) -> Start:
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        answered = pool.submit(_first_answer, f"{service.url}/predict", body)
        service.start("web")
        seconds = round(answered.result() - started, 3)
    pid = service.processes["web"].pid
    drive(service.url, script, pid, LOAD_SECONDS)
    memory = [_memory(process) for process in tree(pid)]
    service.stop("web")
    return {"seconds": seconds, "memory": memory}


def _first_answer(url: str, body: Body) -> float:
    """When it came, by `time.perf_counter`."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    with session() as own:
        while time.perf_counter() < deadline:
            try:
                if own.post(url, json=body, timeout=5).ok:
                    return time.perf_counter()
            except requests.ConnectionError:
                pass
            time.sleep(POLL_SECONDS)
    raise SystemExit("Error: the service did not answer; nothing was written")


def _memory(process: psutil.Process) -> dict[str, float]:
    """In megabytes of a million bytes. Only Linux tells the PSS; elsewhere it is taken for the USS."""
    found = process.memory_full_info()
    return {"pss_mb": round(getattr(found, "pss", found.uss) / 1e6, 1), "uss_mb": round(found.uss / 1e6, 1)}
