"""What is promised, and how each promise is tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

from faults import (
    p01_every_answer,
    p02_killed_web,
    p03_retries,
    p04_hung_database,
    p05_long_outage,
    p06_hung_redis,
    p07_lost_redis,
    p08_mail,
    p09_archive_and_mail,
    p10_hung_error_reports,
    p11_restarts,
    p12_overload,
    p13_liveness,
    p14_slow_clients,
    p16_model_swaps,
    p17_periodic_work,
    p18_dropped_connections,
)
from faults.finding import Finding
from faults.world import Database, Servers

Trial = Callable[[Servers], Finding]
SHARE = 0.4
"""Of the cases that tests draw in their long form: so many fit into a run of all promises."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Without `trials` the promise is that of the tests marked with its name, which are run in their long form.
    `scaled` says what is tried on a smaller scale than meant: a run takes a quarter of an hour. `alone`: what ran
    beside it would be measured with it. `longest`: it takes minutes, and so begins first.
    """

    text: str
    trials: tuple[Trial, ...] = ()
    scaled: str = ""
    alone: bool = False
    longest: bool = False


def _on_both(*trials: Callable[[Servers, Database], Finding]) -> tuple[Trial, ...]:
    return tuple(partial(_on, trial, database) for trial in trials for database in get_args(Database))


def _on(trial: Callable[[Servers, Database], Finding], database: Database, servers: Servers) -> Finding:
    return trial(servers, database)


PROMISES: dict[str, Promise] = {
    "P1": Promise(
        "Every 200 has exactly one ledger row",
        _on_both(p01_every_answer.try_it),
        scaled="15 s instead of 60",
    ),
    "P2": Promise("A killed web worker loses nothing acknowledged", _on_both(p02_killed_web.try_it), alone=True),
    "P3": Promise("A client's retry never doubles", _on_both(p03_retries.try_it)),
    "P4": Promise("A hung database is not felt", _on_both(p04_hung_database.try_it), alone=True),
    "P5": Promise(
        "A long database outage loses nothing",
        _on_both(p05_long_outage.try_it, p05_long_outage.fill_spool),
        scaled="30 s instead of 10 minutes",
    ),
    "P6": Promise("A hung Redis costs at most one short timeout", (p06_hung_redis.try_it,), alone=True),
    "P7": Promise("A Redis that is refused, reset, restarted or emptied changes no score", (p07_lost_redis.try_it,)),
    "P8": Promise("Every due mail is sent, none for nothing", (p08_mail.try_it,), longest=True),
    "P9": Promise(
        "S3 or SMTP trouble never reaches the web",
        (p09_archive_and_mail.try_it,),
        scaled="12 s each instead of 5 minutes",
        alone=True,
    ),
    "P10": Promise("A hung Sentry is invisible", (p10_hung_error_reports.try_it,), alone=True),
    "P11": Promise(
        "Restarts drop nothing",
        (p11_restarts.try_it,),
        scaled="6 restarts instead of 20",
    ),
    "P12": Promise(
        "Overload sheds instead of collapsing",
        (p12_overload.try_it,),
        scaled="15 s instead of 60",
        alone=True,
    ),
    "P13": Promise("Liveness depends on nothing", (p13_liveness.try_it,)),
    "P14": Promise(
        "Slow clients cannot starve it",
        (p14_slow_clients.try_it,),
        scaled="15 s instead of 60",
        alone=True,
    ),
    "P15": Promise("A bad config never takes effect"),
    "P16": Promise(
        "A model swap is atomic, and a bad model file never serves",
        _on_both(p16_model_swaps.swap, p16_model_swaps.tamper),
    ),
    "P17": Promise("Fleet-wide periodic work runs once", (p17_periodic_work.try_it,)),
    "P18": Promise("Dropped database connections heal", (p18_dropped_connections.try_it,)),
    "P19": Promise("Password guessing is capped"),
    "P20": Promise("An ended session is dead"),
    "P21": Promise("Every response is hardened"),
    "P22": Promise("Secrets never leak"),
    "P23": Promise(
        "Fuzzing finds no 5xx",
        scaled=f"{2_000 * SHARE:.0f} cases an operation instead of 2,000, which `./run.sh faults P23` draws",
    ),
}


def chosen(names: Sequence[str]) -> dict[str, Promise]:
    """Those named, or all. Raises KeyError for one that there is not."""
    return {name: PROMISES[name] for name in names} if names else PROMISES
