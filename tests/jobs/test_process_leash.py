"""No process that tests start outlives them, or takes the jobs of another run."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis

from tests.support import services
from tests.support.deployment import ROOT, TIED, Deployment, of_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support import deployment
deployment.PROCESSES["worker"] = [sys.executable, "-c", "import time; time.sleep(600)"]
made = deployment.Deployment(Path(sys.argv[1]), {})
made.start("worker")
print(made.processes["worker"].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not TIED, reason="setpriv (util-linux) is not there")
def test_a_process_ends_with_tests_that_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(ran.stdout)).wait(timeout=20)
    assert of_folder(tmp_path) == []


def test_what_lost_its_parent_ends_with_its_deployment(tmp_path: Path) -> None:
    sleep = f"{sys.executable} -c 'import time; time.sleep(600)' & echo started"
    with Deployment(tmp_path, {}) as made:
        subprocess.run(["sh", "-c", sleep], env=made.environ, check=True, stdout=subprocess.DEVNULL)
        assert len(of_folder(tmp_path)) == 1
    assert of_folder(tmp_path) == []


def test_a_number_that_somebody_is_connected_to_is_not_free(redis_url: str) -> None:
    """Though its reservation may have lapsed."""
    number = int(redis_url.rpartition("/")[2])
    key = f"holdfast-test-number-{number}"
    with redis.Redis.from_url(services.REDIS_URL) as admin:
        admin.delete(key)
        taken = services._take_number()
        admin.delete(f"holdfast-test-number-{taken}")
        admin.set(key, "1", ex=3600)
    assert taken != number
