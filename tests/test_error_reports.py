"""What is told to the place where errors are reported, and what is not."""

import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, own_environment
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


@pytest.fixture
def reports() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that takes reports, and what it was sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://public@127.0.0.1:{server.server_address[1]}/1", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_where_a_webhook_went_is_not_reported_and_the_receiver_learns_nothing_of_reports(
    reports: tuple[str, list[bytes]], webhook_peer: WebhookPeer, tmp_path: Path
) -> None:
    dsn, bodies = reports
    environ = {**own_environment(), "VAR_DIR": str(tmp_path), "SENTRY_DSN": dsn, **webhook_peer.environ}
    subprocess.run([sys.executable, "-c", FAIL_AFTER_A_WEBHOOK], cwd=ROOT, env=environ, check=True)
    told = b"".join(bodies).decode()
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
