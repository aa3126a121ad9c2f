"""How long the service takes from the start of its process to its first answer, and what memory its processes hold."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import psutil
import requests

from benchmarks.speed.customers import Body
from tests.support.deployment import Deployment, tree
from tests.support.traffic import session

STARTS = 3
PATIENCE_SECONDS, POLL_SECONDS = 60.0, 0.02


def starts(service: Deployment, body: Body) -> dict[str, Any]:
    """Seconds until the first answer, their median and all."""
    seconds = [_start(service, body) for _ in range(STARTS)]
    return {"seconds": median(seconds), "all_seconds": seconds}


def memory(service: Deployment) -> list[dict[str, float]]:
    """Of each web process, the master's first: what it has for itself alone (USS), and with its part of what it shares
    (PSS). To be asked after much work: with time, workers unshare what was loaded before the fork."""
    return [_memory(process) for process in tree(service.processes["web"].pid)]


def _start(service: Deployment, body: Body) -> float:
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        answered = pool.submit(_first_answer, f"{service.url}/predict", body)
        service.start("web")
        seconds = round(answered.result() - started, 3)
    service.stop("web")
    return seconds


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
