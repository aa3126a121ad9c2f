"""Drives servers with wrk, and reads what it and the kernel say."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CONNECTIONS = 16
THREADS = 1
CLIENTS = 5_000
SCRIPT = """
local head, tail = %s, %s
local number = 0
request = function()
  number = (number + 1) %% %d
  local body = head .. string.format("load-%%05d", number) .. tail
  return wrk.format("POST", "/predict", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}, body)
end
"""
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Round:
    """One round: requests a second, milliseconds at two quantiles, CPU microseconds a request over all
    processes of the server, and how many requests were not answered with success."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int


def write_script(path: Path, customer: Mapping[str, Any], token: str) -> None:
    """A wrk script that posts `customer` under 5,000 different ids in turn."""
    head, tail = json.dumps({"client_id": "@", **customer}).split("@")
    path.write_text(SCRIPT % (_lua(head), _lua(tail), CLIENTS, token), encoding="utf-8")


def require_wrk() -> None:
    """Raises SystemExit when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("Error: wrk is needed to measure: apt install wrk, or brew install wrk")


def drive(url: str, script: Path, server_pid: int, seconds: int) -> Round:
    """One round of wrk against `url`. Raises SystemExit when it cannot be measured."""
    size = ["-t", str(THREADS), "-c", str(CONNECTIONS), "-d", f"{seconds}s"]
    before = _cpu_seconds(server_pid)
    ended = subprocess.run(
        ["wrk", *size, "--latency", "-s", str(script), url], check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise SystemExit(f"Error: wrk failed: {ended.stderr.strip() or ended.stdout.strip()}")
    return read_round(ended.stdout, _cpu_seconds(server_pid) - before)


def read_round(said: str, cpu_seconds: float) -> Round:
    """What wrk said. `errors`: answers other than 2xx and 3xx, and connections that failed in any way."""
    total = int(_find(r"(\d+) requests in", said))
    if not total:
        raise SystemExit(f"Error: no request was answered:\n{said}")
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = sum(int(number) for found in (sockets, refused) if found for number in found.groups())
    rate = float(_find(r"Requests/sec:\s+([\d.]+)", said))
    return Round(rate, _latency(said, "50%"), _latency(said, "99%"), cpu_seconds / total * 1e6, errors)


def _lua(text: str) -> str:
    return f"[==[{text}]==]"


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


def _cpu_seconds(pid: int) -> float:
    parent = psutil.Process(pid)
    spent = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(times.user + times.system for times in spent)
