"""P10: a place for error reports that hangs is felt by nobody."""

import time

import orjson

from faults.finding import Finding
from faults.world import Servers
from tests.support.connections import Connections, Reply, posted
from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.own_loop import ran
from tests.support.third_party import AGES

BROKEN = "fragile_rule@7"
MOST_MS_MORE = 5.0
MOST_EXIT_SECONDS = 2.0


def try_it(
    servers: Servers, *, errors: int = 500, most_ms_more: float = MOST_MS_MORE, most_exit: float = MOST_EXIT_SECONDS
) -> Finding:
    """The same errors with nowhere to report them to, and with a place that takes the connection and says nothing."""
    plain_ms, plain_exit, _ = _fail(servers, errors)
    with proxied(servers.redis.url) as (way, url):  # what is behind it does not matter: nothing comes through
        way.become("hang")
        hung_ms, hung_exit, statuses = _fail(servers, errors, SENTRY_DSN=url.replace("redis://", "http://public@"))
    return Finding(
        promise="P10",
        on="Sentry",
        fault="hangs",
        count=f"{errors} errors, {statuses.count(500)} × 500",
        figure=f"{hung_ms - plain_ms:+.1f} ms each, {hung_ms:.1f} ms in all; stopped in {hung_exit:.1f} s,"
        f" without it {plain_exit:.1f} s",
        holds=hung_ms - plain_ms <= most_ms_more and hung_exit - plain_exit <= most_exit and set(statuses) == {500},
    )


def _fail(servers: Servers, errors: int, **environ: str) -> tuple[float, float, list[int]]:
    """Mean milliseconds of an error, seconds that the web takes to stop, and the statuses."""
    classes = "tests.support.third_party:FragileRule"
    with servers.service("SQLite", MODEL_CLASSES=classes, **environ) as deployment:
        experiment = {"name": "broken", "salt": "broken", "arms": {BROKEN: 1.0}}
        deployment.configure(experiment=experiment, shadow=[], holdout_percentage="0")
        deployment.start("web")
        replies, seconds = ran(_ask(deployment, {**servers.customers()[0], "tenure_months": AGES + 1}, errors))
        begun = time.monotonic()
        deployment.stop("web")
        return 1_000 * seconds / errors, time.monotonic() - begun, [reply.status for reply in replies]


async def _ask(deployment: Deployment, customer: dict[str, object], errors: int) -> tuple[list[Reply], float]:
    """One after another."""
    connections = Connections(deployment.url)
    bodies = [orjson.dumps({"client_id": f"c{number}", **customer}) for number in range(errors)]
    begun = time.monotonic()
    replies = [await connections.exchange(posted("/predict", body)) for body in bodies]
    seconds = time.monotonic() - begun
    connections.close()
    return replies, seconds
