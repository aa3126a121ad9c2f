"""`flask up`: everything together, stopped together, and clear words when it cannot start."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Sequence

import pytest
import requests

from app_settings import load_settings
from data.redis_client import build_redis
from jobs.commands.up import FLASK, PROCESSES
from tests.support.deployment import ROOT, TOKEN, Deployment, free_port, of_folder
from tests.support.stack import Deploy

pytestmark = pytest.mark.slow


def up(deployment: Deployment) -> "subprocess.Popen[bytes]":
    with (deployment.var_dir / "up.log").open("ab") as log:
        return subprocess.Popen([*FLASK, "up"], cwd=ROOT, env=deployment.environ, stdout=log, stderr=log)


def wait_for_greeting(deployment: Deployment, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + 90
    while "Ask it about" not in (said := deployment.log("up")):
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def run(
    deployment: Deployment, command: Sequence[str] = (*FLASK, "up"), **environ: str
) -> "subprocess.CompletedProcess[str]":
    given = {**deployment.environ, **environ}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60)


def test_it_greets_answers_stops_whole_and_starts_again(deploy: Deploy) -> None:
    deployment = deploy("v")
    for _ in range(2):
        process = up(deployment)
        said = wait_for_greeting(deployment, process)
        command = said[said.index("curl -s") :]
        body = json.loads(command[command.index("-d '") + 4 : command.index("}'") + 1])
        answer = requests.post(
            f"{deployment.url}/predict", json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        assert answer.status_code == 200
        assert answer.json()["recent_times_id_seen"] is not None, "the embedded Redis does not answer"
        assert len(of_folder(deployment.var_dir)) >= 6

        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert of_folder(deployment.var_dir) == []
        (deployment.var_dir / "up.log").unlink()
    for name in ("first-user.txt", "last-config.json"):
        assert (deployment.var_dir / name).stat().st_mode & 0o777 == 0o600


def test_a_second_one_on_the_same_folder_is_refused_and_harms_nothing(deploy: Deploy) -> None:
    deployment = deploy("v")
    process = up(deployment)
    wait_for_greeting(deployment, process)
    ended = run(deployment, PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith(f"Error: Holdfast is already running on VAR_DIR {deployment.var_dir} (pid ")
    assert f"(pid {process.pid})" in ended.stderr
    with build_redis(load_settings(deployment.environ).redis_address(), timeout=5) as redis:
        assert redis.ping()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0


def test_what_a_killed_one_started_stops_and_the_next_one_starts(deploy: Deploy) -> None:
    deployment = deploy("v")
    process = up(deployment)
    wait_for_greeting(deployment, process)
    process.kill()
    process.wait()
    (deployment.var_dir / "up.log").unlink()

    process = up(deployment)  # at once: it waits for the others to stop
    wait_for_greeting(deployment, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert of_folder(deployment.var_dir) == []


def test_a_killed_one_leaves_nothing_behind_but_its_redis(deploy: Deploy) -> None:
    deployment = deploy("v")
    process = up(deployment)
    wait_for_greeting(deployment, process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while len(left := of_folder(deployment.var_dir)) > 1:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    with build_redis(load_settings(deployment.environ).redis_address(), timeout=5) as redis:
        redis.shutdown()


def test_a_taken_port_is_one_clear_line(deploy: Deploy) -> None:
    deployment = deploy("v")
    with socket.create_server(("127.0.0.1", deployment.port)):
        ended = run(deployment)
    assert ended.returncode == 1
    assert (
        ended.stderr.strip().splitlines()[-1].startswith(f"Error: Port {deployment.port} on 127.0.0.1 cannot be used")
    )


@pytest.mark.parametrize(
    "url",
    ["mysql+pymysql://root:hidden@127.0.0.1:1/none", "sqlite:////proc/none/x.sqlite3", "postgresql://x", "rubbish"],
)
def test_an_unreachable_database_is_one_clear_line(deploy: Deploy, url: str) -> None:
    ended = run(deploy("v"), DATABASE_URL=url)
    assert ended.returncode == 1
    lines = [line for line in ended.stderr.splitlines() if "DATABASE_URL" in line]
    assert len(lines) == 1
    assert "hidden" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", [[*FLASK, "up"], PROCESSES["web"]], ids=["flask", "gunicorn"])
def test_a_missing_secret_is_one_clear_line(deploy: Deploy, command: list[str]) -> None:
    ended = run(deploy("v"), command, ENVIRONMENT="prod", SECRET_KEY="")
    assert ended.returncode == 1
    assert ended.stderr.strip() == "Error: SECRET_KEY must be set to at least 16 characters in prod."
