"""The image, built from this checkout: it trains, serves and stops, shut in as production shuts it in."""

import os
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from modeling.subscribers import write_subscribers
from tests.packaging.container import USER, Container, built, described, require_builder
from tests.packaging.documents import compose
from tests.support.deployment import TOKEN, free_port
from tests.support.services import ADMIN_URL, new_database

pytestmark = [pytest.mark.image, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("image")]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_builder()
    with built(tmp_path_factory.mktemp("build")) as name:
        yield name


@pytest.fixture(scope="module")
def environ(redis_url: str) -> Iterator[dict[str, str]]:
    """A production deployment on this machine's MariaDB and Redis."""
    secrets = {"ACCESS_TOKEN": TOKEN, "SECRET_KEY": "the-secret-of-this-deployment"}
    with new_database(ADMIN_URL) as database_url:
        services = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        yield {"ENVIRONMENT": "prod", "PORT": str(free_port()), "WEB_HOST": "127.0.0.1", **secrets, **services}


@pytest.fixture(scope="module")
def container(image: str, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Sets itself up with a small table of customers, then serves by the image's own command."""
    volume = tmp_path_factory.mktemp("var")
    write_subscribers(volume / "customers.csv", rows=600)
    os.chown(volume, USER, USER)
    prepare = "flask --app app migrate && flask --app app train $VAR_DIR/customers.csv --promote"
    serve = shlex.join(described(image)["Cmd"])
    started = Container(image, ["sh", "-c", f"{prepare} && exec {serve}"], environ, volume)
    try:
        _wait_until_ready(started, environ["PORT"])
        yield started
    finally:
        started.remove()


def test_answers_a_prediction_that_reaches_the_ledger(container: Container, environ: dict[str, str]) -> None:
    base = f"http://127.0.0.1:{environ['PORT']}"
    schema = requests.get(f"{base}/openapi.json", timeout=10).json()["components"]["schemas"]["PredictRequest"]
    customer = {**schema["examples"][0], "client_id": "from-the-image"}
    reply = requests.post(f"{base}/predict", json=customer, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert 0 <= answer["prediction"] <= 1
    assert _recorded(environ["DATABASE_URL"], answer["prediction_id"]) == ("from-the-image", answer["prediction"])


def test_process_is_an_ordinary_user_on_a_read_only_system(container: Container) -> None:
    assert container.run("id", "-u").stdout.strip() == str(USER)
    assert "Read-only file system" in container.run("touch", "/app/written").stderr
    status = container.run("cat", "/proc/1/status").stdout
    assert _capabilities(status) == 0


def test_healthcheck_of_the_image_passes(container: Container, image: str) -> None:
    check = described(image)["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    result = container.run(*check[1:])
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["worker", "schedule"])
def test_other_processes_are_well_and_stop_in_order(container: Container, name: str) -> None:
    """Each by the command, the VAR_DIR and the check that compose gives it."""
    service = compose()["services"][name]
    kind, check = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    own = service["environment"].get("VAR_DIR")
    start = f"{f'VAR_DIR={own} ' if own else ''}{shlex.join(service['command'])} & process=$!"
    wait = f"for turn in $(seq 100); do {check} && break; sleep 0.3; done; {check} || exit 99"
    result = container.run("sh", "-c", f"{start}; {wait}; kill -TERM $process; wait $process")
    assert result.returncode == 0, result.stderr


def test_nothing_but_the_service_is_inside(container: Container) -> None:
    listed = container.run("ls", "/app").stdout.split()
    assert "app.py" in listed
    assert not {"tests", "Dockerfile", "requirements.txt", ".git"} & set(listed)


def test_stops_in_order_when_asked(container: Container) -> None:
    """Last: it ends the container of this file."""
    started = time.monotonic()
    assert container.stop() == 0
    assert time.monotonic() - started < 30


def _wait_until_ready(container: Container, port: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.5)
    pytest.fail(f"not ready after {seconds} s:\n{container.logs()[-4000:]}")


def _recorded(database_url: str, prediction_id: str, seconds: float = 20) -> Any:
    """The ledger's row of a prediction, once it is shipped."""
    engine = create_engine(database_url)
    deadline = time.monotonic() + seconds
    query = text("select client_id, prediction from model_logs where prediction_id = :id")
    row = None
    while row is None and time.monotonic() < deadline:
        with engine.connect() as connection:
            row = connection.execute(query, {"id": prediction_id}).one_or_none()
        time.sleep(0.1)
    engine.dispose()
    return None if row is None else tuple(row)


def _capabilities(status: str) -> int:
    line = next(line for line in status.splitlines() if line.startswith("CapBnd"))
    return int(line.split()[1], 16)
