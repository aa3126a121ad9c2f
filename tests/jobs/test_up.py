"""`flask up`: everything together, stopped together, and clear words when it cannot start."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from app_settings import load_settings
from data.redis_client import build_redis
from jobs.commands.up import FLASK, PROCESSES
from tests.support.deployment import ROOT, TOKEN, Deployment, free_port, of_folder
from tests.support.stack import Deploy

pytestmark = pytest.mark.slow


def up(deployment: Deployment, command: Sequence[str] = (*FLASK, "up")) -> "subprocess.Popen[bytes]":
    with (deployment.var_dir / "up.log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, env=deployment.environ, stdout=log, stderr=log)


def wait_for_greeting(deployment: Deployment, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + 200
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


def check_answer(deployment: Deployment, said: str) -> None:
    """To the call that the greeting gives to paste."""
    command = said[said.index("curl -s") :]
    body = json.loads(command[command.index("-d '") + 4 : command.index("}'") + 1])
    answer = requests.post(
        f"{deployment.url}/predict", json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )
    assert answer.status_code == 200
    assert answer.json()["recent_times_id_seen"] is not None, "the embedded Redis does not answer"
    assert len(of_folder(deployment.var_dir)) >= 6


def check_a_second_is_refused(deployment: Deployment, process: "subprocess.Popen[bytes]") -> None:
    ended = run(deployment, PORT=str(free_port()))
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith(f"Error: Holdfast is already running on VAR_DIR {deployment.var_dir} (pid ")
    assert f"(pid {process.pid})" in ended.stderr
    with build_redis(load_settings(deployment.environ).redis_address(), timeout=5) as redis:
        assert redis.ping()


def check_it_stops_whole(deployment: Deployment, process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert of_folder(deployment.var_dir) == []


def test_the_very_first_one_trains_a_model_and_lets_no_second_in(tmp_path: Path) -> None:
    with Deployment(tmp_path / "v", {}) as deployment:
        process = up(deployment, ["./run.sh"])
        said = wait_for_greeting(deployment, process)
        assert "No model is in service yet: training a first one" in said
        check_answer(deployment, said)
        check_a_second_is_refused(deployment, process)
        check_it_stops_whole(deployment, process)
        for name in ("first-user.txt", "last-config.json"):
            assert (deployment.var_dir / name).stat().st_mode & 0o777 == 0o600


def test_one_that_is_killed_stops_and_the_next_ones_start(deploy: Deploy) -> None:
    deployment = deploy("v")
    process = up(deployment)
    check_answer(deployment, wait_for_greeting(deployment, process))
    process.kill()
    process.wait()

    process = up(deployment)  # at once: it waits for what the killed one started to stop
    wait_for_greeting(deployment, process)
    check_it_stops_whole(deployment, process)

    process = up(deployment)
    said = wait_for_greeting(deployment, process)
    assert "training a first one" not in said
    check_answer(deployment, said)
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
