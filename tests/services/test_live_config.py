"""How a process follows the config table, and what it does while it cannot."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, make_url

from data.engine import build_engine
from data.schema import upgrade
from helpers.metrics import Metrics
from modeling.registry import ModelRegistry
from services.config.last import LastConfig
from services.config.live import DatabaseAway, LiveConfigSource, NotReady
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.proxy import Proxy
from tests.support.stack import configure


class Process:
    """One process's view: its own source over a shared database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.live = LiveConfigSource(
            engine, ModelRegistry(folder / "models"), LastConfig(folder / "last.json"), Metrics()
        )

    def configure(self, **values: Any) -> None:
        insert_config(self.engine, **values)


@pytest.fixture
def folder(tmp_path: Path, trained: Trained) -> Path:
    shutil.copytree(trained.models_dir, tmp_path / "models")
    return tmp_path


@pytest.fixture
def process(engine: Engine, folder: Path, trained: Trained) -> Process:
    made = Process(engine, folder)
    made.configure(aliases=dict(trained.aliases))
    return made


def test_a_new_name_of_the_revision_is_followed_at_once(process: Process) -> None:
    assert process.live.following("a").config.proba_cutoff == 0.5
    process.configure(proba_cutoff="0.3")
    assert process.live.following("a").config.proba_cutoff == 0.5
    assert process.live.following("b").config.proba_cutoff == 0.3
    process.configure(proba_cutoff="0.2")
    assert process.live.following(None).config.proba_cutoff == 0.2


def test_without_a_model_nothing_is_in_force_until_there_is_one(engine: Engine, folder: Path, trained: Trained) -> None:
    process = Process(engine, folder)
    with pytest.raises(NotReady, match="train --promote"):
        process.live.following(None)
    assert not process.live.ready
    process.configure(aliases=dict(trained.aliases))
    process.live.retry()
    process.live.reread(None)
    assert process.live.current().serving.champion.ref == trained.aliases["champion"]


def test_the_newest_change_that_names_a_missing_model_is_the_one_refused(process: Process, trained: Trained) -> None:
    arms = {"champion": 0.5, "challenger": 0.5}
    process.configure(experiment={"name": "x", "salt": "x", "arms": arms})
    assert process.live.refresh().config.experiment.arms == arms
    process.configure(aliases={"champion": trained.aliases["champion"]})
    snapshot = process.live.refresh()
    assert snapshot.config.experiment.arms == arms
    assert [row.key for row in snapshot.refused] == ["aliases"]
    assert "challenger" in (process.live.problem or "")


def test_a_tampered_model_does_not_come_into_service(process: Process, folder: Path, trained: Trained) -> None:
    process.live.refresh()
    challenger = trained.aliases["challenger"]
    (folder / "models" / challenger.replace("@", "/") / "model.onnx").write_bytes(b"something else")
    process.configure(shadow=[challenger])
    assert process.live.refresh().config.shadow == ()
    assert challenger in (process.live.problem or "")


def test_models_that_were_loaded_before_a_fork_are_those_that_come_into_service(
    process: Process, folder: Path, trained: Trained
) -> None:
    process.live.load_models()
    assert not process.live.ready
    shutil.rmtree(folder / "models")
    assert process.live.refresh().serving.champion.ref == trained.aliases["champion"]


def test_who_cannot_load_the_models_leaves_it_to_each_process(process: Process, folder: Path) -> None:
    (folder / "models").rename(folder / "elsewhere")
    process.live.load_models()
    (folder / "elsewhere").rename(folder / "models")
    assert process.live.refresh().serving.models


@pytest.fixture
def proxied(fresh_mariadb_url: str) -> Iterator[tuple[Proxy, Engine]]:
    """A database that can be taken away."""
    with Proxy("127.0.0.1", make_url(fresh_mariadb_url).port or 3306) as proxy:
        address = make_url(fresh_mariadb_url).set(port=proxy.port)
        engine = build_engine(address.render_as_string(hide_password=False), read_timeout=3)
        upgrade(engine)
        yield proxy, engine
        proxy.become("pass")
        engine.dispose()


def test_a_hung_database_holds_no_request_up_for_long(
    proxied: tuple[Proxy, Engine], folder: Path, trained: Trained
) -> None:
    proxy, engine = proxied
    process = Process(engine, folder)
    process.configure(aliases=dict(trained.aliases))
    process.live.following("a")
    proxy.become("hang")
    waited = []
    for n in range(60):
        started = time.monotonic()
        assert process.live.following(f"new-{n}").config.proba_cutoff == 0.5
        waited.append(time.monotonic() - started)
        time.sleep(0.05)
    assert sum(waited) < 3
    assert max(waited) < 2
    assert sorted(waited)[-3] < 0.1, "more than the first had to wait"


def test_a_process_that_starts_while_the_database_is_away_serves_what_was_served_last(
    proxied: tuple[Proxy, Engine], folder: Path, trained: Trained
) -> None:
    proxy, engine = proxied
    first = Process(engine, folder)
    first.configure(aliases=dict(trained.aliases), proba_cutoff="0.31")
    first.live.refresh()
    proxy.become("refuse")
    second = Process(engine, folder)
    second.live.load_models()
    second.live.reread(None)
    assert second.live.current().config.proba_cutoff == 0.31
    assert second.live.problem == "the database does not answer"
    with pytest.raises(DatabaseAway):
        second.live.refresh()
    proxy.become("pass")
    first.configure(proba_cutoff="0.32")
    second.live.retry()
    second.live.reread(None)
    assert second.live.current().config.proba_cutoff == 0.32
    assert not second.live.problem


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"id": 1}]', b"\xff"])
def test_a_damaged_memory_of_the_config_is_no_memory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.json").write_bytes(content)
    assert LastConfig(tmp_path / "last.json").recall() == []


class TestRefreshCall:
    def call(self, app: APIFlask, method: str, **options: Any) -> Any:
        return getattr(app.test_client(), method)("/config-refresh", **options)

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_it_tells_old_and_new_revision(self, app: APIFlask, method: str) -> None:
        configure(app)
        insert_config(app.extensions["holdfast"].engine, proba_cutoff="0.4")
        headers = {"Authorization": f"Bearer {app.extensions['holdfast'].settings.access_token.get_secret_value()}"}
        told = self.call(app, method, headers=headers).get_json()
        assert told == {"old_revision": 1, "new_revision": 2, "fleet_told": True, "problem": None}

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_it_needs_the_token(self, app: APIFlask, method: str) -> None:
        assert self.call(app, method).status_code == 401
        assert self.call(app, method, headers={"Authorization": "Bearer wrong"}).status_code == 403

    def test_the_token_may_come_in_the_body(self, app: APIFlask) -> None:
        token = app.extensions["holdfast"].settings.access_token.get_secret_value()
        assert self.call(app, "post", json={"token": token}).status_code == 200
        assert self.call(app, "post", json={"token": "wrong"}).status_code == 403
