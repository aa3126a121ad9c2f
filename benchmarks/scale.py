"""What managers and programs wait for once the ledger has a million rows: readout, months, call list, client page.

Over HTTP, from the real service, on MariaDB or MySQL. The CSV is the longest that there can be; what matters there is
the memory of the processes that send it.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from sqlalchemy import Engine, text

from benchmarks.scale_plans import plans
from benchmarks.scale_rows import ANSWERS, ARMS, CLIENTS, DAYS, EXPERIMENT, HELD_OUT, MODELS, fill
from benchmarks.services import chosen_services
from data.engine import build_engine
from helpers.clock import SystemClock
from modeling.plan import QUICK
from services.accounts import AccountService
from services.training import TrainingRequest, run_training
from tests.support.deployment import ROOT, TOKEN, Deployment
from tests.support.exposed import configure_at
from tests.support.services import ADMIN_URL
from tests.support.visitor import PASSWORD

TIMES = 7
LIMIT_SECONDS = 2.0
SETTLE_SECONDS, SETTLED_PAGES = 180, 500
LONG_LIST, SHORT_LIST = 100_000, 1_000
RESULT = Path(__file__).with_suffix(".json")
TRAINING = replace(QUICK, algorithms=("additive", "gradient_boosting", "catboost"), most_trees=100, plots=False)
READOUT = f"/v1/experiments/{quote(EXPERIMENT, safe='')}/readout"
ADDRESSES = {
    "readout": READOUT,
    "readout of a month": "/v1/experiments/holdout/{month}/readout",
    "call list": "/v1/call-list?limit=50",
    "page: experiments": "/experiments",
    "page: experiment": f"/experiments/{quote(EXPERIMENT)}",
    "page: call list": "/call-list",
    "page: client": "/clients/S1000007",
}


def main() -> None:
    """Exits with 1 when something takes longer than it may, or reads the whole ledger."""
    with tempfile.TemporaryDirectory(prefix="hf") as folder, filled_service(Path(folder) / "var") as service:
        month = (datetime.now(UTC) - timedelta(days=DAYS / 2)).strftime("%Y-%m")
        with signed_in(service) as visitor:
            seconds = {name: _seconds(visitor, each.format(month=month)) for name, each in ADDRESSES.items()}
            csv = {str(rows): _streamed(service, visitor, rows) for rows in (SHORT_LIST, LONG_LIST)}
        explained = plans(service.engine, EXPERIMENT)
        result = {"rows": CLIENTS * ANSWERS, "clients": CLIENTS, **machine(service), "seconds": seconds, "csv": csv}
    RESULT.write_text(json.dumps({**result, "plans": explained}, indent=1) + "\n", encoding="utf-8")
    _say(result, explained)
    slow = [name for name, each in seconds.items() if each["median"] > LIMIT_SECONDS]
    sys.exit(f"Error: {', '.join(slow)} took more than {LIMIT_SECONDS:g} s" if slow else 0)


@contextmanager
def filled_service(var_dir: Path, clients: int = CLIENTS) -> Iterator[Deployment]:
    """A deployment with three models in service and the whole ledger of so many clients."""
    with chosen_services(var_dir, likely_server=ADMIN_URL) as chosen, Deployment(var_dir, chosen) as service:
        if service.engine.dialect.name == "sqlite":
            raise SystemExit("Error: set BENCH_DATABASE_URL to a MariaDB or MySQL server, on which a database is made")
        _note("training three models")
        request = TrainingRequest(plan=TRAINING, promote=True)
        run_training(request, engine=service.engine, models_dir=var_dir / "models", clock=SystemClock())
        now = datetime.now(UTC)
        aliases = {**MODELS, "heuristic": "heuristic@1"}
        experiment = {"name": EXPERIMENT, "salt": "scale", "arms": ARMS}
        values: dict[str, Any] = {"aliases": aliases, "experiment": experiment, "shadow": ["heuristic"]}
        configure_at(service.engine, now - timedelta(days=DAYS), holdout_percentage=str(HELD_OUT), **values)
        _note(f"filling {clients * ANSWERS:,} rows of the ledger")
        _fill(chosen["DATABASE_URL"], now, clients)
        AccountService(service.engine, SystemClock()).add("bench", "admin", PASSWORD, "a benchmark")
        service.start("web")
        yield service


def _fill(address: str, now: datetime, clients: int) -> None:
    engine = build_engine(address, read_timeout=3_600)
    fill(engine, now, clients)
    with engine.begin() as connection:
        tables = "model_logs, exposures, exposure_scores, outcomes, actions, client_latest"
        connection.execute(text(f"ANALYZE TABLE {tables}"))
    _let_settle(engine)
    engine.dispose()


def _let_settle(engine: Engine) -> None:
    """Until the server has written out most of what was filled in, or some minutes are over."""
    dirty = text("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        with engine.connect() as connection:
            pages = int(connection.execute(dirty).one()[1])
        if pages < SETTLED_PAGES:
            return
        time.sleep(1)


@contextmanager
def signed_in(service: Deployment) -> Iterator[Callable[[str], requests.Response]]:
    """Somebody who is signed in and has the access token as well."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        form = session.get(f"{service.url}/login", timeout=60).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', form)
        given = {"csrf_token": found.group(1) if found else "", "username": "bench", "password": PASSWORD}
        session.post(f"{service.url}/login", data=given, timeout=60).raise_for_status()
        yield lambda path: session.get(f"{service.url}{path}", timeout=120, stream=True)


def _seconds(visit: Callable[[str], requests.Response], path: str) -> dict[str, float]:
    """Until the whole answer is there: the first time, and the median and the longest of those after it."""
    taken = []
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        answer = visit(path)
        answer.raise_for_status()
        if "/login" in answer.url or not answer.content:
            raise SystemExit(f"Error: {path} was not answered")
        taken.append(round(time.perf_counter() - started, 3))
    return {"first": taken[0], "median": statistics.median(taken[1:]), "longest": max(taken[1:])}


def _streamed(service: Deployment, visit: Callable[[str], requests.Response], rows: int) -> dict[str, float]:
    """A CSV of so many rows, and by how much the memory of the processes that answer grew meanwhile."""
    service.configure(call_list_capacity=str(rows))
    service.post("/config-refresh", None).raise_for_status()
    before, peak, over = _memory(service), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, _memory(service))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    lines = sum(chunk.count(b"\n") for chunk in visit("/v1/call-list?format=csv").iter_content(65_536))
    seconds = time.perf_counter() - started
    over.set()
    watcher.join()
    return {"lines": lines, "seconds": round(seconds, 2), "growth_mb": round((peak - before) / 2**20, 1)}


def _memory(service: Deployment) -> int:
    """Resident bytes of the processes that answer."""
    return sum(int(worker.memory_info().rss) for worker in service.web_workers())


def machine(service: Deployment) -> dict[str, Any]:
    """What was measured on: the database server and this machine."""
    with service.engine.connect() as connection:
        version, pool = connection.execute(text("SELECT VERSION(), @@innodb_buffer_pool_size")).one()
    load = [round(each, 1) for each in os.getloadavg()]
    return {"server": version, "buffer_pool_mb": pool // 2**20, "cores": os.cpu_count(), "load": load}


def _note(what: str) -> None:
    print(what, file=sys.stderr)


def _say(result: dict[str, Any], explained: dict[str, list[str]]) -> None:
    for name, lines in explained.items():
        print(f"{name}\n  " + "\n  ".join(lines))
    print(f"\n{result['rows']:,} rows, {result['server']}, {result['buffer_pool_mb']} MB buffer pool")
    print(f"{'':24}{'median s':>10}{'longest':>10}{'first':>10}")
    for name, each in result["seconds"].items():
        print(f"{name:24}{each['median']:>10.2f}{each['longest']:>10.2f}{each['first']:>10.2f}")
    for rows, each in result["csv"].items():
        print(f"CSV of at most {rows} rows: {each['lines']} lines in {each['seconds']} s, {each['growth_mb']} MB more")
    print(f"\nwritten to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
