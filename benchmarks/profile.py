"""Where the time of one request goes, inside one thread of the web process."""

import cProfile
import json
import os
import pstats
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app
from app_settings import load_settings

REQUESTS, SHOWN = 2_000, 20
_ROOT = str(Path(__file__).parents[1])
_STDLIB = sysconfig.get_path("stdlib")


def profile(environ: Mapping[str, str], customers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The functions with the most own time, in microseconds a request, most first; bodies of /predict in turn."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        app = create_app(load_settings(environ))
        return _profiled(app, environ["ACCESS_TOKEN"], [json.dumps(each) for each in customers])


def _profiled(app: Flask, token: str, bodies: Sequence[str]) -> list[dict[str, Any]]:
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for body in bodies:
        client.post("/predict", data=body, headers=headers)
    profiler = cProfile.Profile()
    profiler.enable()
    for body in islice(cycle(bodies), REQUESTS):
        client.post("/predict", data=body, headers=headers)
    profiler.disable()
    app.extensions["holdfast"].stop()
    return _lines(pstats.Stats(profiler))


def _lines(stats: pstats.Stats) -> list[dict[str, Any]]:
    entries = stats.stats.items()  # type: ignore[attr-defined]
    rows = [
        {
            "function": f"{_short(file)}:{line} {name}",
            "own_us": round(own / REQUESTS * 1e6, 1),
            "with_callees_us": round(whole / REQUESTS * 1e6, 1),
            "calls": round(calls / REQUESTS, 2),
        }
        for (file, line, name), (_, calls, own, whole, _) in entries
    ]
    return sorted(rows, key=lambda row: -row["own_us"])[:SHOWN]


def _short(file: str) -> str:
    return file.removeprefix(_ROOT + "/").removeprefix(_STDLIB + "/").split("site-packages/")[-1]
