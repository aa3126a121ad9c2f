"""How long the service takes for each page once the ledger has a million rows, or as many as BENCH_ROWS says.

Over HTTP from one visitor, one request after another, to the last byte: what the service takes, and a little more.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import requests

from benchmarks.scale import filled_service, machine, signed_in
from benchmarks.scale_rows import ANSWERS, CLIENTS, EXPERIMENT, MODELS
from services.readout.facts import MONTHS
from tests.support.deployment import ROOT, Deployment

TIMES, WARM_UP = 200, 10
LIMIT_MILLISECONDS = 100.0
RESULT = Path(__file__).with_suffix(".json")
MODEL, OTHER = MODELS["champion"], MODELS["challenger"]
READOUT = f"/experiments/{quote(EXPERIMENT)}"
PAGES = {
    "today": "/",
    "call list": "/call-list",
    "suggestions": "/call-list/suggestions",
    "clients": "/clients",
    "client": "/clients/S1000007",
    "predict": "/model_interface",
    "predict: the riskiest": "/model_interface?pick=riskiest",
    "what if": "/model_interface?view=what-if",
    "files": "/model_interface/files",
    "experiments": "/experiments",
    "experiments: months": "/experiments?part=months",
    "experiment": READOUT,
    "experiment: verdict": f"{READOUT}?part=verdict",
    "models": "/models",
    "model": f"/models/{MODEL.replace('@', '/')}",
    "models compared": f"/models/compare?a={MODEL}&b={OTHER}",
    "config": "/config",
    "config: history": "/config/history",
    "monitoring": "/monitoring",
    "monitoring: figures": "/monitoring?part=figures",
    "team": "/team",
    "tokens": "/team/tokens",
    "audit log": "/team/audit",
    "account": "/account",
}


def main() -> None:
    """Exits with 1 when a page takes longer than it may."""
    clients = int(os.environ.get("BENCH_ROWS", CLIENTS * ANSWERS)) // ANSWERS
    with tempfile.TemporaryDirectory(prefix="hf") as folder, filled_service(Path(folder) / "var", clients) as service:
        pages = measure(service)
        result = {"rows": clients * ANSWERS, "clients": clients, **machine(service), "milliseconds": pages}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _say(result, pages)
    slow = [name for name, each in pages.items() if each["p99"] > LIMIT_MILLISECONDS]
    sys.exit(f"Error: {', '.join(slow)} took more than {LIMIT_MILLISECONDS:g} ms" if slow else 0)


def measure(service: Deployment) -> dict[str, dict[str, float]]:
    """Each page's milliseconds once the schedule process has counted the experiments, which it goes on doing."""
    service.start("schedule")
    service.wait_for(f"select count(*) from readings where subject = '{MONTHS}'", 1, seconds=120)
    with signed_in(service) as visit:
        return {name: _milliseconds(visit, path) for name, path in PAGES.items()}


def _milliseconds(visit: Callable[[str], requests.Response], path: str) -> dict[str, float]:
    """Of many visits after some that fill the caches; `first` is that of the first visit, `kb` what a visit transfers
    before it is compressed."""
    taken, length = [], 0
    for _ in range(WARM_UP + TIMES):
        started = time.perf_counter()
        answer = visit(path)
        length = len(answer.content)
        taken.append(1_000 * (time.perf_counter() - started))
        if answer.status_code != 200 or "/login" in answer.url:
            raise SystemExit(f"Error: {path} was answered with {answer.status_code} at {answer.url}")
    cuts = statistics.quantiles(taken[WARM_UP:], n=100, method="inclusive")
    found = {"first": taken[0], "p50": cuts[49], "p99": cuts[98], "longest": max(taken[WARM_UP:]), "kb": length / 1_000}
    return {name: round(value, 1) for name, value in found.items()}


def _say(result: dict[str, object], pages: dict[str, dict[str, float]]) -> None:
    print(f"{result['rows']:,} rows, {result['server']}, load {result['load']}; milliseconds of {TIMES} visits")
    print(f"{'':24}{'p50':>8}{'p99':>8}{'longest':>9}{'first':>8}{'kB':>8}")
    for name, each in pages.items():
        numbers = (
            f"{each['p50']:>8.1f}{each['p99']:>8.1f}{each['longest']:>9.1f}{each['first']:>8.1f}{each['kb']:>8.1f}"
        )
        print(f"{name:24}{numbers}")
    print(f"\nwritten to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
