"""Steady load on the whole service with a fault each minute: nothing is lost, and nothing grows.

A fault comes at a random moment of each minute, from `strikes`. Memory is judged by what each process holds
in no file, from ten minutes after its start on; so that there are processes old enough, the web as a whole and the
worker are started afresh only in the first ten minutes and in the last quarter of the run.
"""

import json
import random
import secrets
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import text

from faults.strikes import STRIKES, drawn
from faults.tally import Tally, drained
from faults.vitals import Trend, Vitals, trends
from faults.world import World, fresh_servers, whole_world
from tests.support.open_load import OpenLoad

WARM_UP_MINUTES = 10.0
JUDGED_MINUTES = 20.0
MOST_MB_AN_HOUR = 1.0
MOST_FILES_MORE = 2
DRAIN_SECONDS = 300.0
MAIL_SECONDS = 300.0
SLOPES = {"pooled": 8, "longest_own": 7, "longest_rss": 7}
RESULT = Path(__file__).with_suffix(".json")


@click.command()
@click.option("--minutes", type=click.FloatRange(min=1), default=60.0, show_default=True)
@click.option(
    "--per-second", type=click.FloatRange(min=1), default=50.0, show_default=True, help="Predictions a second."
)
@click.option("--seed", type=int, help="Of the faults and their moments; without it a new one.")
def main(minutes: float, per_second: float, seed: int | None) -> None:
    """Soak the whole service; exits with 1 when a verdict does not hold."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    say(f"seed {seed}, {minutes:g} minutes at {per_second:g} predictions a second")
    with fresh_servers() as own, whole_world(own) as world:
        result = soak(world, minutes, per_second, seed)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(told(result))
    sys.exit(0 if all(verdict for verdict in result["verdicts"].values() if verdict is not None) else 1)


def soak(world: World, minutes: float, per_second: float, seed: int) -> dict[str, Any]:
    engine = world.deployment.engine
    with Vitals(world.deployment) as vitals:
        with OpenLoad(world.deployment.url, world.customers, per_second) as load:
            strikes = _strike(world, load, minutes, random.Random(seed))
        found, seconds = drained(engine, load, DRAIN_SECONDS)
        mail = _mail(world)
    moved = trends(vitals.lives(), WARM_UP_MINUTES / 60)
    return {
        "seed": seed,
        "minutes": minutes,
        "per_second": per_second,
        "strikes": strikes,
        "answers": {str(status): count for status, count in sorted(load.statuses().items())},
        "p50_ms": round(load.quantile(0.5), 1),
        "p99_ms": round(load.quantile(0.99), 1),
        "tally": asdict(found),
        "drained_seconds": round(seconds, 1),
        "mail": mail,
        "processes": [asdict(trend) for trend in moved],
        "verdicts": verdicts(found, mail, moved),
    }


def _strike(world: World, load: OpenLoad, minutes: float, draw: random.Random) -> list[dict[str, Any]]:
    """A fault a minute, until the time is over."""
    begun, struck = time.monotonic(), []

    def calm() -> bool:
        return WARM_UP_MINUTES * 60 <= time.monotonic() - begun < 0.75 * minutes * 60

    names = drawn(draw, calm)
    for minute in range(int(minutes)):
        time.sleep(max(0.0, begun + 60 * minute + draw.uniform(5, 25) - time.monotonic()))
        name, since = next(names), time.monotonic()
        STRIKES[name](world)
        struck.append({"second": round(since - begun, 1), "fault": name, "lasted": round(time.monotonic() - since, 1)})
        say(f"minute {minute + 1}: {name}; {_progress(load)}")
    time.sleep(max(0.0, begun + 60 * minutes - time.monotonic()))
    return struck


def _progress(load: OpenLoad) -> str:
    counts = ", ".join(f"{count:,} × {status or 'no answer'}" for status, count in sorted(load.statuses().items()))
    return f"{load.attempted:,} asked: {counts}"


def _mail(world: World) -> dict[str, int]:
    """How much mail was due, how much of it never came, and how much came again. Waits for what can still come."""
    with suppress(TimeoutError):
        pending = "select count(*) from notifications where sent_at is null and failed_at is null"
        world.deployment.wait_for(pending, 0, seconds=MAIL_SECONDS)
    with world.deployment.engine.connect() as connection:
        due = set(connection.execute(text("select message_id from notifications where channel = 'mail'")).scalars())
    came = Counter(message_id.strip("<>").partition("@")[0] for message_id in world.smtp.ids())
    return {"due": len(due), "missing": len(due - set(came)), "again": came.total() - len(came)}


def verdicts(found: Tally, mail: dict[str, int], moved: list[Trend]) -> dict[str, bool | None]:
    """None: the run was too short to tell."""
    old = [trend for trend in moved if trend.longest_minutes >= JUDGED_MINUTES]
    slopes = [value for trend in old for value in (trend.pooled, trend.longest_own) if value is not None]
    files = [trend.files_more for trend in old if trend.files_more is not None]
    return {
        "nothing lost": found.lost == 0,
        "nothing unexpected": found.unexpected == 0,
        "nothing doubled": found.doubled == 0,
        "all mail came": mail["missing"] == 0,
        "memory flat": max(slopes) < MOST_MB_AN_HOUR if slopes else None,
        "file descriptors flat": max(files) <= MOST_FILES_MORE if files else None,
    }


def told(result: dict[str, Any]) -> str:
    """The result as a short table."""
    counts = ", ".join(f"{count:,} × {status}" for status, count in result["answers"].items())
    found, mail = Tally(**result["tally"]), result["mail"]
    lines = [
        f"{result['minutes']:g} minutes, {len(result['strikes'])} faults, seed {result['seed']}",
        f"answers: {counts} (0: none); p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms",
        f"ledger: {found.told()}; drained {result['drained_seconds']} s after the end",
        f"mail: {mail['due']} due, {mail['missing']} missing, {mail['again']} came again",
        f"{'process':14} lives  own MB  pooled  longest   MB/h  RSS/h  files  more",
    ]
    lines += [_line(**process) for process in result["processes"]]
    words = {True: "holds", False: "FAILS", None: "too short to tell"}
    return "\n".join([*lines, *(f"{name:22} {words[verdict]}" for name, verdict in result["verdicts"].items())])


def _line(**of: Any) -> str:
    slopes = (f"{'-':>{wide}}" if of[name] is None else f"{of[name]:>{wide}.2f}" for name, wide in SLOPES.items())
    pooled, own, rss = slopes
    more = "-" if of["files_more"] is None else f"{of['files_more']:g}"
    minutes = f"{of['longest_minutes']:.0f} min"
    return f"{of['role']:14}{of['lives']:>6}{of['own']:>8.1f}{pooled}{minutes:>9}{own}{rss}{of['files']:>7g}{more:>6}"


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
