"""A disk without room: no answer, not ready, and both again once there is room."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.stack import Deploy

ROOT = Path(__file__).parents[2]

SERVE = """
import sys, time, orjson
from pathlib import Path
from app import create_app
ballast, customer = Path(sys.argv[1]) / "ballast", orjson.loads(sys.argv[2])
app = create_app()
client = app.test_client()
token = {"Authorization": "Bearer " + app.extensions["holdfast"].settings.access_token.get_secret_value()}

def status(count):
    rows = [{"key": n, "client_id": str(n), **customer} for n in range(count)]
    return client.post("/v1/predict/batch", json={"instances": rows}, headers=token).status_code

def ready(expected):
    deadline = time.monotonic() + 10
    while (found := client.get("/health/ready").status_code) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return found

print(status(10), ready(200))
with open(ballast, "wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
print(status(10), client.get("/health/ready").status_code)
time.sleep(2.5)
print(client.get("/health/ready").status_code)
ballast.unlink()
print(ready(200), status(10))
app.extensions["holdfast"].stop()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_not_ready_and_is_again_when_there_is_room(
    deploy: Deploy, embedded_redis_url: str, customer: dict[str, Any]
) -> None:
    deployment = deploy(REDIS_URL=embedded_redis_url)
    spool = deployment.var_dir / "spool"
    spool.mkdir()
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'
    arguments = ["sh", str(spool), sys.executable, SERVE, orjson.dumps(customer).decode()]
    command = ["unshare", "--mount", "sh", "-c", script, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=deployment.environ)
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("this sandbox does not let root mount a file system")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["200", "200", "503", "503", "503", "200", "200"]
    deployment.wait_for("select count(*) from model_logs", 20)
