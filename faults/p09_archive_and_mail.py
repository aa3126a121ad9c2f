"""P9: trouble with the archive or the mail server never reaches the web."""

import gzip
import time
from collections import Counter

import orjson

from faults.finding import Finding
from faults.tally import drained
from faults.world import MAIL_ON, Database, Servers
from tests.support.mailroom import proxied
from tests.support.open_load import OpenLoad
from tests.support.peers import S3_ENVIRONMENT, S3Peer, s3_server, smtp_server
from tests.support.proxy import Mode

DRAIN_SECONDS = 120.0
TROUBLES: tuple[Mode, ...] = ("refuse", "hang")


def try_it(
    servers: Servers,
    database: Database = "MariaDB",
    *,
    seconds: float = 12.0,
    per_second: float = 60.0,
    most_times_idle: float = 1.1,
) -> Finding:
    """The calm is measured before and after, and between the two troubles."""
    with (
        s3_server() as s3,
        smtp_server() as smtp,
        proxied(s3.endpoint_url) as (s3_way, s3_url),
        proxied(smtp.url) as (smtp_way, smtp_url),
        servers.service(
            database, S3_BUCKET=s3.bucket, S3_ENDPOINT_URL=s3_url, SMTP_URL=smtp_url, **S3_ENVIRONMENT
        ) as deployment,
    ):
        deployment.configure(**MAIL_ON)
        for name in ("web", "worker"):
            deployment.start(name)
        spans: dict[str, list[tuple[float, float]]] = {"pass": [], "refuse": [], "hang": []}
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            load.wait_for_answers(int(2 * per_second))
            for mode in ("pass", "refuse", "pass", "hang", "pass"):
                since = time.monotonic()
                for way in (s3_way, smtp_way):
                    way.become(mode)
                time.sleep(seconds)
                spans[mode].append((since, time.monotonic()))
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
        archived = _archived(s3, found.rows)
    quantiles = {mode: max(load.quantile(0.99, *span) for span in some) for mode, some in spans.items()}
    other = load.attempted - load.statuses()[200]
    missing, doubled = len(set(load.acknowledged.values()) - set(archived)), archived.total() - len(archived)
    return Finding(
        promise="P9",
        on=database,
        fault=f"S3 and SMTP refused for {seconds:g} s, then hung for {seconds:g} s",
        count=f"{load.attempted:,} requests at {per_second:g} a second",
        figure=f"{other} not 200; p99 refused {quantiles['refuse']:.1f} ms, hung {quantiles['hang']:.1f} ms, calm"
        f" {quantiles['pass']:.1f} ms; {missing} missing and {doubled} doubled in the archive",
        holds=found.clean
        and other == missing == doubled == 0
        and max(quantiles[mode] for mode in TROUBLES) <= most_times_idle * quantiles["pass"],
    )


def _archived(s3: S3Peer, rows: int) -> Counter[str]:
    """How often each prediction is in the archive, as soon as so many are."""
    until = time.monotonic() + DRAIN_SECONDS
    while True:
        lines = [line for key in s3.listing() for line in gzip.decompress(s3.body(key)).splitlines()]
        if len(lines) >= rows or time.monotonic() > until:
            return Counter(orjson.loads(line)["prediction_id"] for line in lines)
        time.sleep(1)
