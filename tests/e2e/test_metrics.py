"""What /metrics says about several processes at once."""

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.deployment import TOKEN, Deployment
from tests.support.models import Trained
from tests.support.stack import deploying

pytestmark = pytest.mark.slow


def value(deployment: Deployment, name: str) -> float:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = requests.get(f"{deployment.url}/metrics", headers=headers, timeout=10).text
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[-1])


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def folders(deployment: Deployment) -> set[str]:
    return {path.name for path in (deployment.var_dir / "metrics").iterdir() if path.is_dir()}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Deployment]:
    with deploying(tmp_path_factory.mktemp("metrics"), trained) as deploy:
        made = deploy("v", WEB_CONCURRENCY="2")
        made.configure(proba_cutoff="0.4")
        made.start("web")
        yield made


def shows_the_revision(deployment: Deployment) -> bool:
    return len(deployment.web_workers()) == 2 and value(deployment, "holdfast_config_revision") == 2


def test_the_revision_is_that_of_the_workers(deployment: Deployment) -> None:
    assert deployment.scalar("select max(id) from config") == 2
    wait_until(lambda: shows_the_revision(deployment))
    before, kept = {worker.pid for worker in deployment.web_workers()}, folders(deployment)

    deployment.processes["web"].send_signal(signal.SIGHUP)
    wait_until(lambda: not before & {worker.pid for worker in deployment.web_workers()})
    wait_until(lambda: shows_the_revision(deployment))
    assert folders(deployment) == kept

    deployment.web_workers()[0].kill()
    wait_until(lambda: shows_the_revision(deployment))


def test_the_depth_is_what_the_ledger_lacks_over_all_workers(deployment: Deployment, customer: dict[str, Any]) -> None:
    with deployment.engine.begin():  # on SQLite this is the write lock
        for number in range(20):
            with requests.Session() as session:
                body = {"client_id": f"c{number}", **customer}
                headers = {"Authorization": f"Bearer {TOKEN}"}
                assert session.post(f"{deployment.url}/predict", json=body, headers=headers, timeout=30).ok
        wait_until(lambda: value(deployment, "holdfast_spool_depth") == 20)
    wait_until(lambda: value(deployment, "holdfast_spool_depth") == 0, seconds=60)
    assert deployment.scalar("select count(*) from model_logs") == 20


def test_counts_of_a_server_that_is_gone_are_gone_and_those_of_a_neighbour_stay(deployment: Deployment) -> None:
    first = folders(deployment)
    assert len(first) == 1
    neighbour = Deployment(deployment.var_dir, {"WEB_CONCURRENCY": "1"})
    with neighbour:
        neighbour.start("web")
        assert len(folders(deployment)) == 2
        assert first < folders(deployment)
        wait_until(lambda: shows_the_revision(deployment))
    deployment.kill("web")
    deployment.start("web")
    assert len(folders(deployment)) == 1
    assert not first & folders(deployment)
