"""`/predict` with everything on, against a bare Flask endpoint, in one run.

Token, validation, holdout, two arms, one shadow, lifetime value, Redis round trip, ledger append and mail that is
due, under the same gunicorn with the same workers as an endpoint that only reads and writes JSON. The rounds are
interleaved and medians compared, so that what else the machine does falls on both alike.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.load import Round, drive, require_wrk, write_script
from benchmarks.profile import profile
from benchmarks.services import chosen_services
from helpers.errors import UserError
from jobs.commands.up import FLASK
from tests.support.deployment import ROOT, TOKEN, Deployment, free_port

ROUNDS = 5
SECONDS = 6
WORKERS = "2"
PATIENCE_SECONDS = 30.0
RESULT = Path(__file__).with_suffix(".json")
EVERYTHING = {
    "experiment": {"name": "bench", "salt": "bench", "arms": {"champion": 0.5, "challenger": 0.5}},
    "shadow": ["heuristic"],
    "holdout_percentage": "10",
    "email_policy": "high_risk",
    "email_recipients": ["retention@example.com"],
}


def main() -> None:
    """Raises SystemExit, and writes nothing, when any request was not answered with success."""
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="hf") as folder, _service(Path(folder)) as service:
        with _floor() as (floor_pid, floor_url):
            customer = _customer(service.url)
            script = Path(folder) / "post.lua"
            write_script(script, customer, TOKEN)
            targets = {"floor": (floor_url, floor_pid), "predict": (service.url, service.processes["web"].pid)}
            rounds = _measure(targets, script)
        _refuse_errors(rounds)
        result = _result(rounds) | {"profile": profile(service.environ, customer)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    _say(result)


@contextmanager
def _service(folder: Path) -> Iterator[Deployment]:
    """A deployment with a first model, on services of its own."""
    with chosen_services(folder / "var") as chosen:
        service = Deployment(folder / "var", {"WEB_CONCURRENCY": WORKERS, **chosen})
        subprocess.run([*FLASK, "init"], cwd=ROOT, env=service.environ, check=True)
        with service:
            service.configure(**EVERYTHING)
            service.start("web")
            yield service


@contextmanager
def _floor() -> Iterator[tuple[int, str]]:
    port = free_port()
    same = ["-w", WORKERS, "-k", "gthread", "--threads", "8", "--preload", "--keep-alive", "75"]
    bind = ["-b", f"127.0.0.1:{port}", "-c", "python:benchmarks.floor", "--no-control-socket"]
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", *same, *bind, "benchmarks.floor:create_app()"])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield process.pid, url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until `url` answers, and every worker has been started. Raises SystemExit when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (_answers(url) and len(psutil.Process(process.pid).children()) == int(WORKERS)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("Error: the bare endpoint did not start; see above")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return requests.post(f"{url}/predict", json={"client_id": "first"}, timeout=5).ok
    except requests.RequestException:
        return False


def _refuse_errors(rounds: dict[str, list[Round]]) -> None:
    failed = {name: sum(each.errors for each in some) for name, some in rounds.items()}
    if any(failed.values()):
        raise SystemExit(f"Error: not every request was answered with success ({failed}); nothing was written")


def _customer(url: str) -> dict[str, Any]:
    schema = requests.get(f"{url}/openapi.json", timeout=10).json()["components"]["schemas"]["PredictRequest"]
    return {name: value for name, value in schema["examples"][0].items() if name != "client_id"}


def _measure(targets: dict[str, tuple[str, int]], script: Path) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {name: [] for name in targets}
    for url, pid in targets.values():
        drive(url, script, pid, 2)  # warm
    for number in range(1, ROUNDS + 1):
        for name, (url, pid) in targets.items():
            found[name].append(drive(url, script, pid, SECONDS))
        print(f"round {number} of {ROUNDS}: {found['predict'][-1]}", file=sys.stderr)
    return found


def _result(rounds: dict[str, list[Round]]) -> dict[str, Any]:
    medians = {
        name: {key: statistics.median(asdict(each)[key] for each in some) for key in asdict(some[0])}
        for name, some in rounds.items()
    }
    floor, predict = medians["floor"], medians["predict"]
    ratios = {key: round(predict[key] / floor[key], 3) for key in floor if key != "errors"}
    return {
        "workers": int(WORKERS),
        "connections": 16,
        "rounds": {name: [asdict(each) for each in some] for name, some in rounds.items()},
        "medians": medians,
        "predict_to_floor": ratios,
    }


def _say(result: dict[str, Any]) -> None:
    print(f"{'':12}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU µs':>10}{'errors':>8}")
    for name, each in [*result["medians"].items(), ("ratio", {**result["predict_to_floor"], "errors": 0})]:
        rate, errors = f"{each['requests_per_second']:12.2f}", f"{each['errors']:8.0f}"
        others = (f"{each[key]:10.2f}" for key in ("p50_ms", "p99_ms", "cpu_us"))
        print(f"{name:12}{rate}{''.join(others)}{errors}")
    print("\nwhere the time of one request goes (cProfile, one thread, own time):")
    for line in result["profile"][:15]:
        print(f"  {line['own_us']:8.1f} µs  {line['function']}")
    print(f"\nwritten to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"Error: {error}")
