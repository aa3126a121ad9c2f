"""An object is kept once under its key, in a folder or in S3."""

import socket
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from app_settings import load_settings
from data.archive import FolderArchive
from data.s3_archive import S3Archive
from tests.support.peers import S3Peer
from wiring import build_wiring

KEY = "ledger/2026/11/22/one-500.jsonl.gz"


def test_a_folder_keeps_the_first_body_of_a_key(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path / "archive")
    archive.put(KEY, b"first")
    archive.put(KEY, b"second")
    assert (tmp_path / "archive" / KEY).read_bytes() == b"first"
    assert len([path for path in (tmp_path / "archive").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("key", ["../out", "ledger/../../out", "/etc/passwd", "a//b", "", "."])
def test_no_key_leaves_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        FolderArchive(tmp_path / "archive").put(key, b"body")
    assert list(tmp_path.iterdir()) == []


def test_s3_keeps_the_first_body_of_a_key(s3_peer: S3Peer) -> None:
    archive = S3Archive(s3_peer.bucket, s3_peer.endpoint_url)
    archive.put(KEY, b"first")
    archive.put(KEY, b"second")
    archive.put("ledger/other.jsonl.gz", b"other")
    assert s3_peer.body(KEY) == b"first"
    assert sorted(s3_peer.listing()) == sorted([KEY, "ledger/other.jsonl.gz"])


def test_a_warm_one_loads_nothing_more_when_something_is_put(s3_peer: S3Peer) -> None:
    archive = S3Archive(s3_peer.bucket, s3_peer.endpoint_url)
    archive.warm()
    tracemalloc.start()
    try:
        archive.put(KEY, b"body")
        kept, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000


def test_a_process_warms_it_when_it_starts_and_not_at_the_first_batch_that_it_happens_to_ship(tmp_path: Path) -> None:
    class Watched(FolderArchive):
        warmed = threading.Event()

        def warm(self) -> None:
            self.warmed.set()

    archive = Watched(tmp_path / "archive")
    wiring = build_wiring(load_settings({"VAR_DIR": str(tmp_path)}), archive=archive)
    wiring.ensure_started()
    try:
        assert archive.warmed.wait(10)
    finally:
        wiring.stop()


def test_a_missing_bucket_is_an_error_and_not_a_success(s3_peer: S3Peer) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        S3Archive("elsewhere", s3_peer.endpoint_url).put(KEY, b"body")


def serve_once(replies: list[bytes], seen: list[bytes]) -> tuple[str, Callable[[], None]]:
    """An HTTP server that gives these replies, one a connection, and notes what was asked."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for reply in replies:
            connection, _ = server.accept()
            with connection:
                request = b""
                while b"\r\n\r\n" not in request or not request.endswith(b"body"):
                    request += connection.recv(65_536)
                    if b"Expect: 100-continue" in request and b"body" not in request:
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                seen.append(request)
                connection.sendall(reply)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def finish() -> None:
        thread.join(10)
        server.close()

    return f"http://127.0.0.1:{server.getsockname()[1]}", finish


NOT_IMPLEMENTED = b"<Error><Code>NotImplemented</Code><Message>If-None-Match</Message></Error>"


def test_a_store_without_conditional_writes_is_written_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    refusal = b"HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
    done = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    seen: list[bytes] = []
    url, finish = serve_once([refusal % (len(NOT_IMPLEMENTED), NOT_IMPLEMENTED), done, done], seen)
    archive = S3Archive("ledger", url)
    archive.put(KEY, b"body")
    archive.put("second", b"body")
    finish()
    assert [b"If-None-Match" in request for request in seen] == [True, False, False]


def tries(server: socket.socket) -> int:
    """How often somebody came to a server that never opened."""
    server.setblocking(False)
    found = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def test_a_store_that_does_not_answer_costs_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("data.s3_archive.READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        archive = S3Archive("ledger", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(BotoCoreError):
            archive.put(KEY, b"body")
        assert tries(silent) == 1
