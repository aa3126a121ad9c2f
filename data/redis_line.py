"""Redis commands with little around them, for the one round trip that every prediction makes.

A pool hands a connection out, asks the kernel whether it is still open and takes it back, for each command; here each
thread keeps one of its own.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import Redis


class RedisLine:
    """Sends commands to the server of `redis`, by one connection a thread, opened at its first command."""

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._own = threading.local()

    def send(self, *command: Any) -> Callable[[], Any]:
        """A function that gives the reply: whoever has something to do meanwhile need not wait for it. It has to be
        called before this thread sends anything else. Both raise redis.RedisError.

        A connection that turns out to be closed is opened anew, once: the server may have been restarted since the last
        command. What timed out is not tried again, so that a server that hangs costs one timeout.
        """
        connection = self._connection()
        try:
            connection.send_command(*command)
        except RedisConnectionError:
            connection.send_command(*command)
            return connection.read_response  # type: ignore[no-any-return]
        return partial(_reply, connection, command)

    def _connection(self) -> Any:
        try:
            return self._own.connection
        except AttributeError:
            self._own.connection = self._pool.connection_class(**self._pool.connection_kwargs)
            return self._own.connection


def _reply(connection: Any, command: tuple[Any, ...]) -> Any:
    """A connection that fails closes itself, so that no late reply passes for that of a later command."""
    try:
        return connection.read_response()
    except RedisConnectionError:
        connection.send_command(*command)
        return connection.read_response()
