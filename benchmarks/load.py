"""Drives servers with wrk, and reads what it and the kernel say."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CONNECTIONS = 16
THREADS = 1
SCRIPT = """
local requests, number = {}, 0
function init(args)
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
  for body in io.lines("%s") do
    requests[#requests + 1] = wrk.format("POST", "%s", headers, body)
  end
end
function request()
  number = number %% #requests + 1
  return requests[number]
end
"""
PAUSE_SECONDS, IDLE_SHARE, MOST_PAUSES = 0.3, 0.1, 200
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Round:
    """One round: requests a second; milliseconds at two quantiles; CPU microseconds a request over all processes of
    the server, until it has also done what it does after its answers, and of these while it was asked; how many
    requests were not answered with success."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    cpu_us_meanwhile: float
    errors: int


def write_script(path: Path, to: str, bodies: Sequence[Any], token: str) -> None:
    """A wrk script that posts the bodies in turn."""
    lines = path.with_suffix(".jsonl")
    lines.write_text("".join(f"{json.dumps(body)}\n" for body in bodies), encoding="utf-8")
    path.write_text(SCRIPT % (token, lines, to), encoding="utf-8")


def require_wrk() -> None:
    """Raises SystemExit when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("Error: wrk is needed to measure: apt install wrk, or brew install wrk")


def drive(url: str, script: Path, server_pid: int, seconds: int, connections: int = CONNECTIONS) -> Round:
    """One round of wrk against `url`. Raises SystemExit when it cannot be measured."""
    size = ["-t", str(THREADS), "-c", str(connections), "-d", f"{seconds}s"]
    before = _cpu_seconds(server_pid)
    ended = subprocess.run(
        ["wrk", *size, "--latency", "-s", str(script), url], check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise SystemExit(f"Error: wrk failed: {ended.stderr.strip() or ended.stdout.strip()}")
    meanwhile = _cpu_seconds(server_pid) - before
    return read_round(ended.stdout, _idle_again(server_pid) - before, meanwhile)


def read_round(said: str, cpu_seconds: float, meanwhile: float) -> Round:
    """What wrk said. `errors`: answers other than 2xx and 3xx, and connections that failed in any way."""
    total = int(_find(r"(\d+) requests in", said))
    if not total:
        raise SystemExit(f"Error: no request was answered:\n{said}")
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = sum(int(number) for found in (sockets, refused) if found for number in found.groups())
    rate = float(_find(r"Requests/sec:\s+([\d.]+)", said))
    whole, part = (seconds / total * 1e6 for seconds in (cpu_seconds, meanwhile))
    return Round(rate, _latency(said, "50%"), _latency(said, "99%"), whole, part, errors)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said something unforeseen:\n{text}")
    return found.group(1)


def _latency(said: str, quantile: str) -> float:
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s|m)", said)
    if found is None:
        raise SystemExit(f"wrk said something unforeseen:\n{said}")
    return float(found.group(1)) * _MILLISECONDS[found.group(2)]


def _idle_again(pid: int) -> float:
    """The CPU seconds of the server once it has finished what it does after its answers, such as shipping them, and
    rested for two pauses together."""
    spent, rested = _cpu_seconds(pid), 0
    for _ in range(MOST_PAUSES):
        time.sleep(PAUSE_SECONDS)
        before, spent = spent, _cpu_seconds(pid)
        rested = rested + 1 if spent - before <= IDLE_SHARE * PAUSE_SECONDS else 0
        if rested == 2:
            return spent
    raise SystemExit("Error: the server does not come to rest after its answers")


def _cpu_seconds(pid: int) -> float:
    parent = psutil.Process(pid)
    spent = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(times.user + times.system for times in spent)
