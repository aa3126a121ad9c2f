"""The servers beside which the service is measured, each in processes of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from modeling.subscribers import write_subscribers
from tests.support.deployment import ROOT, TIED, free_port

WORKERS = 2
PATIENCE_SECONDS = 60.0
GUNICORN = [sys.executable, "-m", "gunicorn"]
SAME = "-w {workers} --preload --keep-alive 75 -b 127.0.0.1:{port} --no-control-socket --log-level warning"
# With a file of its own, so that gunicorn does not read gunicorn.conf.py.
STOCK = [*GUNICORN, "-c", "python:benchmarks.speed", *SAME.split()]
GTHREAD = [*STOCK, "-k", "gthread", "--threads", "8"]
FLOOR = "benchmarks.speed.floor:create_app()"
COMMANDS = {
    "floor": [*GUNICORN, FLOOR],
    "gthread": [*GTHREAD, FLOOR],
    "fastapi": [*STOCK, "-k", "uvicorn.workers.UvicornWorker", "benchmarks.speed.scoring:create_app()"],
    "naive": [*GTHREAD, "benchmarks.speed.naive:create_app()"],
}
"""The floor under the service's own gunicorn.conf.py, and under gunicorn's own worker with the same settings.

FastAPI stands behind gunicorn as well: uvicorn's own workers leave Nagle's algorithm on, and take 40 ms an answer."""


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int


@contextmanager
def rivals(folder: Path, environ: Mapping[str, str], model: Path) -> Iterator[dict[str, Server]]:
    """By name of COMMANDS. `environ` is the service's; `model` is the folder of an ONNX model."""
    write_subscribers(folder / "table.csv")
    paths = {"VAR_DIR": str(folder / "floor"), "BENCH_MODEL": str(model), "BENCH_TABLE": str(folder)}
    # One thread: those of the naive way's libraries would not survive the fork of the loaded application.
    own = {**environ, **paths, "OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        yield {name: stack.enter_context(_server(command, own)) for name, command in COMMANDS.items()}


@contextmanager
def _server(command: list[str], environ: Mapping[str, str]) -> Iterator[Server]:
    port = str(free_port())
    parts = [part.format(port=port, workers=WORKERS) for part in command]
    process = subprocess.Popen([*TIED, *parts], cwd=ROOT, env={**environ, "PORT": port})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until `url` answers, and every worker has been started. Raises SystemExit when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (_listens(url) and len(psutil.Process(process.pid).children()) >= WORKERS):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("Error: a server to compare with did not start; see above")
        time.sleep(0.1)


def _listens(url: str) -> bool:
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True
