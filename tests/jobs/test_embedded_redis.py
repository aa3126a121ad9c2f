"""The embedded server is waited for, taken over and stopped, however it behaves."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from data.redis_client import build_redis
from helpers.errors import UserError
from jobs import embedded_redis as embedded
from jobs.embedded_redis import embedded_redis

KEYS = 30_000
KEY_DELAY_US = 100


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r") / "redis.sock"


def server(socket: Path) -> psutil.Process:
    with build_redis(f"unix://{socket}", timeout=5) as client:
        return psutil.Process(client.info("server")["process_id"])


def fill(socket: Path) -> None:
    with build_redis(f"unix://{socket}", timeout=20) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(KEYS):
            pipeline.set(f"key-{number}", "x" * 200)
        pipeline.execute()


@pytest.fixture
def slow_reader(socket: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that outlived its parent, and is about to read its files for a few seconds."""
    with embedded_redis(socket):
        fill(socket)
    slow = ["--key-load-delay", str(KEY_DELAY_US), "--loading-process-events-interval-bytes", "1024"]
    own = ["--port", "0", "--unixsocket", str(socket), "--dir", str(socket.parent), "--appendonly", "yes"]
    process = subprocess.Popen([embedded.server_program(), *own, *slow])
    yield process
    process.kill()
    process.wait()


def test_a_server_that_reads_its_files_is_waited_for(
    socket: Path, slow_reader: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PATIENCE_SECONDS", 1.0)
    while embedded._state(socket) == "absent":
        time.sleep(0.01)
    started = time.monotonic()
    with embedded_redis(socket), build_redis(f"unix://{socket}", timeout=5) as client:
        assert client.dbsize() == KEYS
        assert server(socket).pid == slow_reader.pid, "a second server on the same files"
        assert time.monotonic() - started > 1.5, "it was not reading for longer than patience lasts"
    assert slow_reader.wait(timeout=10) == 0


def test_a_server_that_hangs_is_ended_all_the_same(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 1.0)
    with embedded_redis(socket):
        process = server(socket)
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
    assert time.monotonic() - started < 10
    assert not process.is_running()


def test_a_leftover_that_hangs_is_not_joined_by_a_second(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 1.0)
    monkeypatch.setattr(embedded, "PATIENCE_SECONDS", 1.0)
    with embedded_redis(socket):
        process = server(socket)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(UserError, match="embedded Redis"), embedded_redis(socket):
            pass
        process.send_signal(signal.SIGCONT)
        assert server(socket).pid == process.pid
