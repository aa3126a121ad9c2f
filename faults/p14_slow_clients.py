"""P14: clients that send half a request and stop starve nobody."""

import socket
import time
from contextlib import ExitStack

import requests

from faults.finding import Finding
from faults.world import Servers
from tests.support.connections import posted
from tests.support.open_load import OpenLoad

MOST_SECONDS = 1.0
HALVES = (
    b"",
    b"POST /pre",
    posted("/predict", b"{}").partition(b"\r\n\r\n")[0],
    posted("/predict", b"{" + b" " * 500)[:-400],
    posted("/predict", b"{" + b" " * 100_000)[:-30_000],
    posted("/predict", b"{}", Expect="100-continue")[:-2],
)
"""The last two are read by a thread before they are whole: one is too long to be waited for, one waits to be told."""
TOO_SLOW = b"HTTP/1.1 408"


def try_it(servers: Servers, *, clients: int = 200, seconds: float = 15.0, per_second: float = 30.0) -> Finding:
    """Whoever is told that it was too slow, or hung up on, comes again at once with the next half."""
    with servers.service("SQLite", "web") as deployment, ExitStack() as stack:
        held = [_open(deployment.port, number) for number in range(clients)]
        stack.callback(_close, held)
        slowest, refused, until = 0.0, 0, time.monotonic() + seconds
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            while time.monotonic() < until:
                begun = time.monotonic()
                requests.get(f"{deployment.url}/health", timeout=30).raise_for_status()
                slowest = max(slowest, time.monotonic() - begun)
                refused += _come_again(deployment.port, held)
                time.sleep(0.1)
    other = load.attempted - load.statuses()[200]
    return Finding(
        promise="P14",
        on="SQLite",
        fault=f"{clients} connections with half a request each, kept up for {seconds:g} s",
        count=f"{load.attempted:,} predictions at {per_second:g} a second meanwhile",
        figure=f"/health at most {1_000 * slowest:.0f} ms; {other} predictions not 200, p99"
        f" {load.quantile(0.99):.0f} ms; {refused} were told that they are too slow",
        holds=slowest < MOST_SECONDS and other == 0,
    )


def _open(port: int, number: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(HALVES[number % len(HALVES)])
    connection.setblocking(False)
    return connection


def _close(held: list[socket.socket]) -> None:
    for connection in held:
        connection.close()


def _come_again(port: int, held: list[socket.socket]) -> int:
    """How many were answered with 408."""
    refused = 0
    for place, connection in enumerate(held):
        try:
            said = connection.recv(4_096)
        except BlockingIOError:
            continue
        except OSError:
            said = b""
        refused += said.startswith(TOO_SLOW)
        connection.close()
        held[place] = _open(port, place)
    return refused
