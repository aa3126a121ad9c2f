"""What the processes behind the web work with, built once a process at first use."""

from functools import cache

import structlog

from app_settings import load_settings
from data.notifications import MAIL, WEBHOOK
from services.letters import Letterhead, Letters
from services.notifications import Senders
from wiring import Wiring, build_wiring

log = structlog.get_logger()


@cache
def wiring() -> Wiring:
    """Raises UserError when a setting is missing or not usable."""
    return build_wiring(load_settings())


def senders(wired: Wiring) -> Senders:
    """What carries the messages of each channel."""
    mail = Letters(wired.mailer, Letterhead(wired.settings.mail_from, wired.settings.public_url))
    return {MAIL: mail, WEBHOOK: wired.webhook} if wired.webhook else {MAIL: mail}


def beat(wired: Wiring, process: str) -> None:
    """Touches `VAR_DIR/PROCESS.heartbeat`, whose age tells a supervisor whether the process still works, and tells
    the fleet likewise."""
    wired.pulse.role = process
    wired.pulse.beat()
    folder = wired.settings.var_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{process}.heartbeat").touch()
    except OSError as error:  # work goes on where the disk does not
        log.warning("heartbeat_failed", process=process, error=str(error))
