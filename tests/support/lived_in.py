"""An application in which something happened on every page, and where each page is."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask

from data.notifications import Notification, add_many, mark_failed
from services.accounts import ROLES
from services.scoring_jobs.intake import take_in
from services.scoring_jobs.scoring import Scorer
from tests.support.asking import ask_many
from tests.support.browser import Site, served
from tests.support.calls import Calls
from tests.support.customers import IDS, fill_tables
from tests.support.models import Trained
from tests.support.recorded import record_models
from tests.support.scoring import as_csv, customers
from tests.support.stack import application, configure
from tests.support.trials import BROKEN, WON, fill_trials
from tests.support.visitor import PASSWORD

ADMIN = "anna"
HOUR = timedelta(hours=1)
PLACES = {
    "today_page.page": ["/"],
    "model_ui.page": [
        "/model_interface",
        "/model_interface?view=what-if",
        "/model_interface?pick=riskiest",
        f"/model_interface?client={IDS[0]}",
    ],
    "scoring_page.page": ["/model_interface/files"],
    "scoring_page.one": ["/model_interface/files/{scored}", "/model_interface/files/{waiting}"],
    "call_list_page.page": ["/call-list"],
    "suggestions_page.page": ["/call-list/suggestions"],
    "client_page.by_query": ["/clients"],
    "client_page.by_path": ["/clients/C1000", "/clients/nobody"],
    "experiments_page.page": ["/experiments"],
    "experiments_page.readout": [f"/experiments/{BROKEN}", f"/experiments/{WON}"],
    "models_page.page": ["/models"],
    "models_page.compare": ["/models/compare?a=additive@1&b=gradient_boosting@1"],
    "models_page.card": ["/models/gradient_boosting/1"],
    "config_page.page": ["/config"],
    "config_page.change": ["/config/changes/{drafted}", "/config/changes/{rehearsed}", "/config/changes/{promoted}"],
    "config_page.edit": ["/config/changes/{drafted}/edit"],
    "config_page.history": ["/config/history"],
    "monitoring_page.page": ["/monitoring"],
    "team_page.page": ["/team"],
    "team_page.log": ["/team/audit"],
    "tokens_page.page": ["/team/tokens"],
    "account_page.page": ["/account"],
}
"""The addresses of each page, by its endpoint; in braces what only the seeded database knows."""


@dataclass(frozen=True, slots=True)
class LivedIn:
    """The application at its address; `known` fills in the braces of `PLACES`."""

    site: Site
    known: dict[str, str]

    def addresses(self, endpoint: str) -> list[str]:
        return [place.format(**self.known) for place in PLACES[endpoint]]


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[LivedIn]:
    """An application over real HTTP, with `ADMIN` and a history."""
    with application(tmp_path_factory.mktemp("lived"), trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases, call_list_capacity=10)
        known = _fill(app, trained)
        with served(app) as url:
            yield LivedIn(Site(url, app), known)


def _fill(app: APIFlask, trained: Trained) -> dict[str, str]:
    _team(app)
    fill_tables(app, trained.schema)
    record_models(app, *trained.refs)
    fill_trials(app)
    _calls(app, trained)
    ask_many(app, _asking(trained))
    known = {"scored": _file(app, trained, work=True), "waiting": _file(app, trained, work=False), **_changes(app)}
    _trouble(app)
    _look(app)
    return known


def _team(app: APIFlask) -> None:
    wired = app.extensions["holdfast"]
    for name, role in zip((ADMIN, "bo", "cleo"), reversed(ROLES), strict=True):
        wired.accounts.add(name, role, PASSWORD, "a test")
    wired.accounts.disable("cleo", ADMIN)
    wired.access_tokens.add("nightly scoring", ["predict", "outcomes"], 90, ADMIN)
    wired.access_tokens.add("old warehouse", ["read"], 90, ADMIN)
    wired.access_tokens.revoke("old warehouse", ADMIN)


def _calls(app: APIFlask, trained: Trained) -> None:
    calls = Calls(app, trained)
    for number in range(12):
        calls.score(f"C{1000 + number}", 900.0 - number, HOUR * (1 + number))
    for days in range(40, 0, -4):
        calls.score("C1000", 500.0, timedelta(days=days), prediction=0.3 + days / 100)
    calls.act("C1000", timedelta(days=30))
    calls.report("C1000", False, timedelta(days=25))
    calls.act("C1003", HOUR, actor=ADMIN)


def _asking(trained: Trained) -> list[dict[str, Any]]:
    names = {feature.name for feature in trained.schema.features}
    known = [{name: value for name, value in row.items() if name in names} for row in trained.rows[:200]]
    return [{**row, "client_id": f"client-{place}"} for place, row in enumerate(known)]


def _file(app: APIFlask, trained: Trained, *, work: bool) -> str:
    wired = app.extensions["holdfast"]
    content = io.BytesIO(as_csv(customers(trained.rows, 20)).encode())
    job = take_in(wired.engine, wired.clock, trained.schema, content, "autumn customers.csv", ADMIN)
    if work:
        Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions).score(job.job_id, 0)
    return job.job_id


def _changes(app: APIFlask) -> dict[str, str]:
    """A change in force and watched, one that was rehearsed, and a draft."""
    changes = app.extensions["holdfast"].config_changes
    promoted = changes.set_now({"proba_cutoff": 0.45}, ADMIN, "More clients are worth a call in autumn")
    rehearsed = changes.rehearse(changes.draft({"proba_cutoff": 0.3}, ADMIN, "See who else would be called").id, ADMIN)
    drafted = changes.draft({"call_list_capacity": 60}, "bo", "Two more people call from Monday")
    return {"promoted": str(promoted.id), "rehearsed": str(rehearsed.id), "drafted": str(drafted.id)}


def _trouble(app: APIFlask) -> None:
    wired = app.extensions["holdfast"]
    now = wired.clock.now()
    with wired.engine.begin() as connection:
        add_many(connection, [Notification("m1", None, ["ann@example.com"], {}, created_at=now)])
        mark_failed(connection, "m1", now, "550 no such user")


def _look(app: APIFlask) -> None:
    """What is computed in the background is there, and the process has told of itself."""
    wired = app.extensions["holdfast"]
    wired.monitor._inputs.current(20)
    wired.monitor._truth.current(20)
    wired.pulse._told_at = None
    wired.pulse.beat()
