"""A Redis of a test's own, which keeps what it holds on disk as production's does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.embedded_redis import server_program
from tests.support.deployment import free_port
from tests.support.own_server import OwnServer


@dataclass(frozen=True, slots=True)
class OwnRedis:
    server: OwnServer

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.port}/0"


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    """Starts a server in `folder` and stops it."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    server = OwnServer([server_program(), *options], port, folder / "log")
    server.start()
    try:
        yield OwnRedis(server)
    finally:
        server.stop()
