"""Two whole deployments, of which one is the staging of the other."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from data.audit_log import AuditEntry, list_entries
from data.feature_store import Customer, replace_customers
from helpers.clock import SystemClock
from services.config.model import LiveConfig
from services.config.staging import StagingDeployment
from tests.support.browser import served
from tests.support.customers import customer_fields
from tests.support.deployment import ROOT, TIED, TOKEN, own_environment
from tests.support.models import Trained
from tests.support.stack import application, configure

CUSTOMERS = 30
BATCH, CHANGE = "/v1/predict/batch", "/v1/config"


@dataclass
class Front:
    """What stands before staging: it notes what is posted there to which path, may do something before staging is
    given it, and may spoil what staging answers."""

    behind: WSGIApplication
    spoil: dict[str, Callable[[bytes], tuple[str, bytes]]] = field(default_factory=dict)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            self.posts.append(environ["PATH_INFO"])
            self.before.get(environ["PATH_INFO"], lambda: None)()
        spoil = self.spoil.get(environ["PATH_INFO"])
        if spoil is None:
            return self.behind(environ, start)
        answered = b"".join(self.behind(environ, lambda *_args: lambda _data: None))
        status, body = spoil(answered)
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


@dataclass
class Two:
    """Production, whose changes are tried out on staging first."""

    prod: APIFlask
    stage: APIFlask
    front: Front
    environ: Mapping[str, str]

    def change(self, **values: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        given = {"values": values, "reason": "too many calls"}
        return self.prod.test_client().post("/v1/config", json=given, headers=headers)

    def process(self, *values: str) -> "subprocess.Popen[bytes]":
        """A process of production's that changes KEY VALUE… as a person at the command line would."""
        words = [sys.executable, "-m", "flask", "--app", "app", "config", "set", *values, "--reason", "to see"]
        environ, quiet = {**own_environment(), **self.environ}, subprocess.DEVNULL
        return subprocess.Popen([*TIED, *words], cwd=ROOT, env=environ, stdout=quiet, stderr=quiet)

    def staging(self) -> StagingDeployment:
        """Staging, as production knows it."""
        found = self.prod.extensions["holdfast"].staging
        assert isinstance(found, StagingDeployment)
        return found

    def config(self, app: APIFlask) -> LiveConfig:
        return LiveConfig.model_validate(app.extensions["holdfast"].config_changes.current().values)

    def audited(self) -> list[AuditEntry]:
        with self.prod.extensions["holdfast"].engine.connect() as connection:
            return [each for each in list_entries(connection) if each.subject.startswith("config change")]

    def report(self) -> dict[str, Any]:
        report = self.prod.extensions["holdfast"].config_changes.listing(1)[0].staging
        assert report is not None
        return dict(report)


@pytest.fixture
def two(tmp_path: Path, trained: Trained, embedded_redis_url: str) -> Iterator[Two]:
    with application(tmp_path / "stage", trained, f"{embedded_redis_url}?db=1") as stage:
        configure(stage, aliases=trained.aliases, holdout_percentage="20")
        front = Front(stage.wsgi_app)
        stage.wsgi_app = front  # type: ignore[assignment]
        var_dir, redis_url = tmp_path / "prod", f"{embedded_redis_url}?db=2"
        with served(stage) as url:
            given = {"STAGE_URL": url, "STAGE_TOKEN": TOKEN}
            with application(var_dir, trained, redis_url, **given) as prod:
                configure(prod, aliases=trained.aliases)
                fill(prod, trained)
                places = {"VAR_DIR": str(var_dir), "REDIS_URL": redis_url, "ACCESS_TOKEN": TOKEN}
                yield Two(prod, stage, front, {**places, **given})


def fill(app: APIFlask, trained: Trained) -> None:
    now = SystemClock().now()
    rows = [Customer(f"c{n:02}", customer_fields(trained.schema, n), None, now) for n in range(CUSTOMERS)]
    with app.extensions["holdfast"].engine.begin() as connection:
        replace_customers(connection, rows)
