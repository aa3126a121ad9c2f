"""`flask up`: the whole service on one machine, until Ctrl-C."""

import os
import shlex
import socket
import subprocess  # nosec B404
import sys
from contextlib import nullcontext
from threading import Timer

import click
from honcho.manager import Manager

from app_settings import Settings, load_settings
from helpers.errors import UserError
from jobs.commands.reporting import reported
from jobs.embedded_redis import embedded_redis
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
    settings = load_settings()
    _check_port(settings)
    server = nullcontext() if settings.redis_url.get_secret_value() else embedded_redis(settings.redis_socket())
    with server:
        if subprocess.run([*FLASK, "init"], check=False).returncode:  # noqa: S603 # nosec B603
            raise UserError("The service was not started; see above.")
        sys.exit(_supervise(settings))


def _check_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_host, settings.port))
        except OSError as error:
            message = f"Port {settings.port} on {settings.web_host} cannot be used: {error.strerror}. Set PORT."
            raise UserError(message, "PORT") from error


def _supervise(settings: Settings) -> int:
    """Runs the processes until one ends or a signal comes; 0 after an orderly stop."""
    manager = Manager()
    for name, words in PROCESSES.items():
        manager.add_process(name, shlex.join(words), env=dict(os.environ))
    greeting = Timer(1.0, welcome, [settings])
    greeting.daemon = True
    greeting.start()
    manager.loop()
    stopped_by_signal = manager.returncode in (130, 143)
    return 0 if stopped_by_signal else int(manager.returncode or 0)
