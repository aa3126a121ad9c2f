"""Interleaved rounds over every case, so that what else the machine does falls on all alike."""

import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.load import Round, drive, write_script
from benchmarks.speed.cases import CASES, EVERYTHING, Case
from benchmarks.speed.customers import Body, batches
from benchmarks.speed.rivals import Server
from tests.support.deployment import TOKEN, Deployment
from tests.support.traffic import post_all

PREDICT, BATCH = "/predict", "/v1/predict/batch"
ASKED_FIRST = 64  # after a change, so that every process follows it before the load comes


class Rounds:
    """`found` by case, without the first round: in that one customers are met for the first time."""

    def __init__(
        self, service: Deployment, servers: Mapping[str, Server], bodies: Sequence[Body], several: Sequence[Body]
    ) -> None:
        """`bodies` for /predict, one after another; `several` are customers for batches."""
        self._service = service
        self._servers = {**servers, "service": Server(service.url, service.processes["web"].pid)}
        self._bodies = bodies
        self._scripts = {name: _script(service.var_dir, case, bodies, several) for name, case in CASES.items()}
        self.found: dict[str, list[Round]] = {name: [] for name in CASES}

    def measure(self, rounds: int, seconds: int) -> None:
        """Raises SystemExit when any request was not answered with success."""
        for name in CASES:
            self._round(name, 1)
        for number in range(1, rounds + 1):
            for name in random.sample(list(CASES), len(CASES)):  # nobody is always second to the same
                self.found[name].append(self._round(name, seconds))
            print(f"round {number} of {rounds}", file=sys.stderr)

    def _round(self, name: str, seconds: int) -> Round:
        case = CASES[name]
        if case.server == "service":
            self._configure(case)
        server = self._servers[case.server]
        found = drive(server.url, self._scripts[name], server.pid, seconds, case.connections)
        if found.errors:
            raise SystemExit(f"Error: {name}: {found.errors} requests failed; nothing was written")
        return found

    def _configure(self, case: Case) -> None:
        self._service.configure(**{**EVERYTHING, **case.changes})
        told = self._service.post("/config-refresh", {}).json()
        if told["problem"]:
            raise SystemExit(f"Error: {told['problem']}")
        post_all(self._service.url, [(PREDICT, body) for body in self._bodies[:ASKED_FIRST]])


def medians(found: Mapping[str, Sequence[Round]]) -> dict[str, dict[str, float]]:
    """Of each case's rounds, figure by figure; batches have `rows_per_second` as well."""
    return {name: _median(rounds, CASES[name].rows) for name, rounds in found.items()}


def _median(rounds: Sequence[Round], rows: int) -> dict[str, float]:
    values = [asdict(each) for each in rounds]
    middle = {name: round(statistics.median(each[name] for each in values), 3) for name in values[0]}
    del middle["errors"]
    return middle | ({"rows_per_second": middle["requests_per_second"] * rows} if rows else {})


def _script(folder: Path, case: Case, bodies: Sequence[Body], several: Sequence[Body]) -> Path:
    path = folder / f"post-{case.rows}-{case.reasons}.lua"
    asked: Sequence[Any] = [{**body, "reasons": case.reasons} for body in bodies] if case.reasons else bodies
    to, lines = (BATCH, batches(several, case.rows)) if case.rows else (PREDICT, asked)
    write_script(path, to, lines, TOKEN)
    return path
