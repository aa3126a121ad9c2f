"""What a trial changed on staging is put back there, also when no answer came to the change or its process died."""

import time
from datetime import UTC, datetime
from typing import Any

from data.stage_client import StageClient, StageConfig, StageProblem
from data.staging_trial_store import Owed
from services.config.spelling import typed
from services.config.staging_lease import Lease, clock_time
from services.prose import LONGEST

SETTLED_SECONDS = 120.0
"""Later than this after it was sent no change takes effect: the waits of a request there end within seconds, and a
worker that hangs is killed within a minute."""
PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.25


def put_back(client: StageClient, lease: Lease, owed: Owed) -> str:
    """Gives staging back what is owed, and says in words what was done. Raises StageProblem when that could not be
    done, or when the change may still take effect there: it stays owed."""
    values = _astray(owed, _settled(client, lease, owed))
    if values:
        lease.keep()
        client.change(values, f"taken back, {owed.why}"[:LONGEST])
    lease.keep()
    client.refresh()
    lease.owe(None)
    return "the values before were put back there" if values else "nothing had changed there"


def _settled(client: StageClient, lease: Lease, owed: Owed) -> StageConfig:
    """What staging has in force, once the change took effect there or will no more."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        lease.keep()
        found = client.config()
        late = lease.clock.now().timestamp() - owed.sent_at
        if owed.landed is not None or _astray(owed, found) or late > SETTLED_SECONDS:
            return found
        if time.monotonic() > until:
            raise StageProblem(_unsettled(owed))
        time.sleep(LOOK_SECONDS)


def _astray(owed: Owed, found: StageConfig) -> dict[str, Any]:
    """The values before of those keys that still have what was sent: what others changed since is theirs. As long as
    nobody did, no value is compared, for another release may spell it in another way."""
    untouched, sent = found.revision == owed.landed, typed(owed.sent)
    return {
        key: value
        for key, value in owed.before.items()
        if found.values.get(key) != value and (untouched or found.values.get(key) == sent[key])
    }


def _unsettled(owed: Owed) -> str:
    sent, settled = (_at(owed.sent_at + seconds) for seconds in (0, SETTLED_SECONDS))
    text = f"staging did not answer the change that was sent there at {sent}, and it may still take effect"
    return f"{text}: until {settled} it is put back as soon as it does; try again then"


def _at(seconds: float) -> str:
    return clock_time(datetime.fromtimestamp(seconds, UTC))
