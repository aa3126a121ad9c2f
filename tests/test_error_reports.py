"""What is told to the place where errors are reported, and what is not."""

import gzip
import subprocess
import sys
import threading
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
