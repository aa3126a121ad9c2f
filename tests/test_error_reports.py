"""What is told to the place where errors are reported, and what is not."""

import subprocess
import sys
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
