"""`flask up`: the whole service on one machine, until Ctrl-C."""

import os
import socket
import subprocess  # nosec B404
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Timer

import click

from app_settings import Settings, load_settings
from helpers.errors import UserError
from helpers.file_lock import FileLock, holder
from jobs.commands.reporting import reported
from jobs.embedded_redis import embedded_redis
from jobs.supervision import GRACE_SECONDS, supervise
from jobs.welcome import welcome

FLASK = [sys.executable, "-m", "flask", "--app", "app"]
PROCESSES = {
    "web": [sys.executable, "-m", "gunicorn", "app:create_app()"],
    "worker": [*FLASK, "worker"],
    "schedule": [*FLASK, "schedule"],
}


@click.command("up")
@reported
def command() -> None:
    """Start web, worker and schedule, with all that they need, and stop them together at Ctrl-C."""
    os.umask(0o077)  # what is written holds customers: for the owner alone
    settings = load_settings()
    with _alone(settings.var_dir):
        _check_port(settings)
        server = nullcontext() if settings.redis_url.get_secret_value() else embedded_redis(settings.redis_socket())
        with server:
            _run(settings)


def _run(settings: Settings) -> None:
    if subprocess.run([*FLASK, "init"], check=False).returncode:  # noqa: S603 # nosec B603
        raise UserError("The service was not started; see above.")
    greeting = Timer(1.0, welcome, [settings])
    greeting.daemon = True
    greeting.start()
    sys.exit(supervise(PROCESSES))


@contextmanager
def _alone(var_dir: Path) -> Iterator[None]:
    """Holds the folder for as long as the context lasts. Raises UserError when another `up` does.

    One that was killed needs some seconds more: its processes hold the folder until they have stopped.
    """
    var_dir.mkdir(parents=True, exist_ok=True)
    path = var_dir / "up.lock"
    deadline = time.monotonic() + GRACE_SECONDS + 5
    while (lock := _try_lock(path)) is None:
        _say_who(path, var_dir, deadline)
        time.sleep(0.2)
    try:
        yield
    finally:
        lock.release()


def _try_lock(path: Path) -> FileLock | None:
    try:
        return FileLock(path)
    except BlockingIOError:
        return None


def _say_who(path: Path, var_dir: Path, deadline: float) -> None:
    """Raises UserError unless the holder is gone and its processes may still be about to stop."""
    pid = holder(path)
    if pid is not None or time.monotonic() > deadline:
        who = f" (pid {pid})" if pid else ""
        raise UserError(f"Holdfast is already running on VAR_DIR {var_dir}{who}: stop it, or set VAR_DIR.", "VAR_DIR")


def _check_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_host, settings.port))
        except OSError as error:
            message = f"Port {settings.port} on {settings.web_host} cannot be used: {error.strerror}. Set PORT."
            raise UserError(message, "PORT") from error
