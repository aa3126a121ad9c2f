"""Whatever else has stopped, a process lives, and is ready as long as it can predict and record what it answers."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from app import create_app
from app_settings import load_settings
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.peers import S3Peer, SmtpPeer
from tests.support.proxy import Mode, Proxy
from tests.support.stack import application, configure

pytestmark = pytest.mark.promise("P13")
NAMES = ("database", "redis", "smtp", "s3")
NOWHERE = {
    "DATABASE_URL": "mysql+pymysql://root@127.0.0.1:9/holdfast",
    "REDIS_URL": "redis://127.0.0.1:9",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "S3_BUCKET": "ledger",
    "S3_ENDPOINT_URL": "http://127.0.0.1:9",
}


@pytest.fixture
def proxies(
    fresh_mariadb_url: str, redis_url: str, redis_client: object, smtp_peer: SmtpPeer, s3_peer: S3Peer
) -> Iterator[dict[str, Proxy]]:
    addresses = (fresh_mariadb_url, redis_url, smtp_peer.url, s3_peer.endpoint_url)
    with ExitStack() as stack:
        found = (make_url(each) for each in addresses)
        made = [Proxy(url.host or "", url.port or {"redis": 6379}.get(url.drivername, 3306)) for url in found]
        yield {name: stack.enter_context(proxy) for name, proxy in zip(NAMES, made, strict=True)}


@pytest.fixture
def app(
    tmp_path: Path,
    trained: Trained,
    proxies: dict[str, Proxy],
    fresh_mariadb_url: str,
    redis_url: str,
    s3_peer: S3Peer,
) -> Iterator[APIFlask]:
    """Its four services are all reached through proxies."""

    def through(address: str, name: str) -> str:
        url = make_url(address).set(host="127.0.0.1", port=proxies[name].port)
        return url.render_as_string(hide_password=False)

    environ = {
        "DATABASE_URL": through(fresh_mariadb_url, "database"),
        "SMTP_URL": f"smtp://127.0.0.1:{proxies['smtp'].port}",
        "S3_BUCKET": s3_peer.bucket,
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxies['s3'].port}",
    }
    with application(tmp_path, trained, through(redis_url, "redis"), **environ) as made:
        configure(made, aliases=trained.aliases)
        yield made
        for proxy in proxies.values():
            proxy.become("pass")


def probed(client: FlaskClient) -> tuple[int, int]:
    return client.get("/health").status_code, client.get("/health/ready").status_code


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_in_all_sixteen_combinations(
    mode: Mode, app: APIFlask, client: FlaskClient, proxies: dict[str, Proxy], customer: dict[str, Any]
) -> None:
    gray = [number ^ number >> 1 for number in range(16)]  # neighbours differ in one service
    for before, now in pairwise([0, *gray]):
        for bit, name in enumerate(NAMES):
            if (before ^ now) >> bit & 1:
                proxies[name].become(mode if now >> bit & 1 else "pass")
        assert probed(client) == (200, 200), f"{now:04b}"
        answer = client.post("/predict", json={"client_id": f"client {now}", **customer})
        assert (answer.status_code, answer.get_json()["prediction"] is None) == (200, False), f"{now:04b}"


def test_it_is_unready_when_it_cannot_record(app: APIFlask, client: FlaskClient) -> None:
    assert probed(client) == (200, 200)
    app.extensions["holdfast"].spool._max_bytes = 0
    assert probed(client) == (200, 503)


def test_started_with_everything_away_it_is_ready_when_it_has_a_model(
    tmp_path: Path, trained: Trained, embedded_redis_url: str
) -> None:
    """The config that was in force last is on the disk of a deployment that has run before."""
    before, never = tmp_path / "before", tmp_path / "never"
    with application(before, trained, embedded_redis_url) as made:
        configure(made, aliases=trained.aliases)
    for var_dir, ready in ((before, 200), (never, 503)):
        app = create_app(load_settings({**NOWHERE, "VAR_DIR": str(var_dir), "ACCESS_TOKEN": TOKEN}))
        assert probed(app.test_client()) == (200, ready)
        app.extensions["holdfast"].stop()
