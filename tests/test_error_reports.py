"""What is told to the place where errors are reported, and what is not."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, own_environment
from tests.support.report_peer import ReportPeer
from tests.support.webhook_peer import SECRET, TOKEN, WebhookPeer

FAIL_AFTER_A_WEBHOOK = """
from datetime import UTC, datetime
import sentry_sdk
from app_settings import load_settings
from data.notifications import WEBHOOK, Notification
from wiring import build_wiring
wired = build_wiring(load_settings())
wired.webhook.send(Notification("one", "a", [], {"type": "t"}, datetime.now(UTC), channel=WEBHOOK))
sentry_sdk.capture_exception(RuntimeError("the fault that is reported"))
sentry_sdk.flush(20)
"""

FAIL_OFTEN = """
import time
from app import create_app
app = create_app()

def broken():
    raise RuntimeError("a bug")

app.add_url_rule("/broken", "health.broken", broken)
client, seconds, busy = app.test_client(), [], []
client.get("/health")
for _ in range(500):
    began, worked = time.perf_counter(), time.thread_time()
    status = client.get("/broken", headers={"Accept": "application/json"}).status_code
    seconds.append(time.perf_counter() - began)
    busy.append(time.thread_time() - worked)
    assert status == 500, status
print(sorted(busy)[250], sorted(seconds)[250], time.time())
"""


@pytest.mark.promise("P22")
def test_where_a_webhook_went_is_not_reported_and_the_receiver_learns_nothing_of_reports(
    report_peer: ReportPeer, webhook_peer: WebhookPeer, tmp_path: Path
) -> None:
    environ = {**own_environment(), "VAR_DIR": str(tmp_path), "SENTRY_DSN": report_peer.dsn, **webhook_peer.environ}
    subprocess.run([sys.executable, "-c", FAIL_AFTER_A_WEBHOOK], cwd=ROOT, env=environ, check=True)
    told = report_peer.told()
    assert "the fault that is reported" in told
    assert TOKEN not in told
    assert SECRET not in told
    (delivery,) = webhook_peer.deliveries
    assert set(delivery.headers) & {"sentry-trace", "baggage"} == set()


def test_a_place_that_hangs_is_not_felt(tmp_path: Path, embedded_redis_url: str) -> None:
    """It takes connections and answers none: an error costs no more for it, and the process ends all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"http://public@127.0.0.1:{silent.getsockname()[1]}/1"
        environ = {**own_environment(), "VAR_DIR": str(tmp_path), "REDIS_URL": embedded_redis_url, "SENTRY_DSN": dsn}
        command = [sys.executable, "-c", FAIL_OFTEN]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True)
        ended = time.time()
    worked, waited, last_answer = map(float, done.stdout.splitlines()[-1].split())
    assert worked < 0.005
    assert waited < 0.050  # on a machine that does other things meanwhile
    assert ended - last_answer < 2
