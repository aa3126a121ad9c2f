"""P9: trouble with the archive or the mail server never reaches the web."""

import gzip
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import orjson

from faults.finding import Finding
from faults.tally import drained
from faults.world import MAIL_ON, Database, Servers
from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.open_load import OpenLoad
from tests.support.peers import S3_ENVIRONMENT, S3Peer, s3_server, smtp_server
from tests.support.proxy import Mode, Proxy

DRAIN_SECONDS = 120.0
COURSE: tuple[Mode, ...] = ("pass", "refuse", "pass", "hang", "pass")
Spans = Mapping[Mode, list[tuple[float, float]]]


def try_it(
    servers: Servers,
    database: Database = "MariaDB",
    *,
    seconds: float = 12.0,
    per_second: float = 60.0,
    most_times_idle: float = 1.1,
) -> Finding:
    """The calm is measured before and after, and between the two troubles. The archive refuses the first batch: others
    may be too rare to meet a short trouble."""
    with _service(servers, database) as (deployment, ways, s3):
        _become(ways, "refuse")
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            load.wait_for_answers(int(2 * per_second))
            spans = _go_through(ways, seconds)
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
        archived = _archived(s3, found.rows)
    p99 = {mode: max(load.quantile(0.99, *span) for span in some) for mode, some in spans.items()}
    other = load.attempted - load.statuses()[200]
    missing, doubled = len(set(load.acknowledged.values()) - set(archived)), archived.total() - len(archived)
    return Finding(
        promise="P9",
        on=database,
        fault=f"S3 and SMTP refused for {seconds:g} s, then hung for {seconds:g} s",
        count=f"{load.attempted:,} requests at {per_second:g} a second",
        figure=f"{other} not 200; p99 refused {p99['refuse']:.1f} ms, hung {p99['hang']:.1f} ms, calm {p99['pass']:.1f}"
        f" ms; {missing} missing and {doubled} doubled in the archive",
        holds=found.clean
        and other == missing == doubled == 0
        and max(p99["refuse"], p99["hang"]) <= most_times_idle * p99["pass"],
    )


@contextmanager
def _service(servers: Servers, database: Database) -> Iterator[tuple[Deployment, Sequence[Proxy], S3Peer]]:
    """Web and worker, and the ways to the archive and to the mail server."""
    with ExitStack() as stack:
        s3, smtp = stack.enter_context(s3_server()), stack.enter_context(smtp_server())
        s3_way, s3_url = stack.enter_context(proxied(s3.endpoint_url))
        smtp_way, smtp_url = stack.enter_context(proxied(smtp.url))
        environ = {"S3_BUCKET": s3.bucket, "S3_ENDPOINT_URL": s3_url, "SMTP_URL": smtp_url, **S3_ENVIRONMENT}
        deployment = stack.enter_context(servers.service(database, **environ))
        deployment.configure(**MAIL_ON)
        for name in ("web", "worker"):
            deployment.start(name)
        yield deployment, (s3_way, smtp_way), s3


def _go_through(ways: Sequence[Proxy], seconds: float) -> Spans:
    """From when to when it was how."""
    spans: Spans = {mode: [] for mode in COURSE}
    for mode in COURSE:
        since = time.monotonic()
        _become(ways, mode)
        time.sleep(seconds)
        spans[mode].append((since, time.monotonic()))
    return spans


def _become(ways: Sequence[Proxy], mode: Mode) -> None:
    for way in ways:
        way.become(mode)


def _archived(s3: S3Peer, rows: int) -> Counter[str]:
    """How often each prediction is in the archive, as soon as so many are."""
    until = time.monotonic() + DRAIN_SECONDS
    while True:
        lines = [line for key in s3.listing() for line in gzip.decompress(s3.body(key)).splitlines()]
        if len(lines) >= rows or time.monotonic() > until:
            return Counter(orjson.loads(line)["prediction_id"] for line in lines)
        time.sleep(1)
