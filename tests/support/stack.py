"""Deployments and applications that tests share."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app_settings import load_settings
from data.engine import build_engine
from data.schema import upgrade
from jobs.embedded_redis import embedded_redis
from tests.support.deployment import TOKEN, Deployment, insert_config
from tests.support.models import Trained

Deploy = Callable[..., Deployment]


@contextmanager
def deploying(folder: Path, trained: Trained) -> Iterator[Deploy]:
    """Makes deployments in `folder` that serve the trained models; they are stopped at the end."""
    with ExitStack() as stack:

        def make(name: str = "var", **environ: str) -> Deployment:
            deployment = stack.enter_context(Deployment(folder / name, environ))
            shutil.copytree(trained.models_dir, deployment.var_dir / "models")
            deployment.configure(aliases=trained.aliases)
            return deployment

        yield make


@pytest.fixture
def deploy(tmp_path: Path, trained: Trained) -> Iterator[Deploy]:
    with deploying(tmp_path, trained) as make:
        yield make


@pytest.fixture(scope="session")
def customer(trained: Trained) -> dict[str, Any]:
    """The fields of one customer, as the trained schema wants them."""
    return {feature.name: feature.default for feature in trained.schema.features}


@pytest.fixture(scope="session")
def embedded_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded server, for what must run on any laptop."""
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    with embedded_redis(socket):
        yield f"unix://{socket}"


@contextmanager
def application(var_dir: Path, trained: Trained, redis_url: str, **environ: str) -> Iterator[APIFlask]:
    """The application in this process, on SQLite, with its background duties running."""
    given = {"VAR_DIR": str(var_dir), "REDIS_URL": redis_url, "ACCESS_TOKEN": TOKEN, **environ}
    settings = load_settings(given)
    engine = build_engine(settings.database_address())
    upgrade(engine)
    engine.dispose()
    shutil.copytree(trained.models_dir, var_dir / "models", dirs_exist_ok=True)
    app = create_app(settings)
    try:
        yield app
    finally:
        app.extensions["holdfast"].stop()


@pytest.fixture
def app(tmp_path: Path, trained: Trained, embedded_redis_url: str) -> Iterator[APIFlask]:
    """An application with the trained models in service, and nothing in its database yet but that."""
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path, trained, embedded_redis_url) as made:
        configure(made, aliases=trained.aliases)
        yield made


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A client that carries the access token."""
    made = app.test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return made


def configure(app: APIFlask, **values: Any) -> None:
    """Inserts config rows and has this process reread them."""
    wiring = app.extensions["holdfast"]
    wiring.ensure_started()
    insert_config(wiring.engine, **values)
    wiring.live.reread(None)
