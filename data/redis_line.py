"""Redis commands with little around them, for the one round trip that every prediction makes.

A pool hands a connection out, asks the kernel whether it is still open and takes it back, for each command; here each
thread keeps one of its own.
"""

import os
import threading
from collections.abc import Callable
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

        A connection that turns out to be closed is opened anew, once, and the command is sent again: the server may
        have been restarted since the last one. So it may be carried out twice. What timed out is not tried again, so
        that a server that hangs costs one timeout.
        """
        connection, self._own.unread = self._connection(), command
        try:
            connection.send_command(*command)
        except RedisConnectionError:
            connection.send_command(*command)
        return self._reply

    def _reply(self) -> Any:
        """A connection that fails closes itself, so that no late reply passes for that of a later command."""
        connection, command = self._own.connection, self._own.unread
        try:
            reply = connection.read_response()
        except RedisConnectionError:
            connection.send_command(*command)
            reply = connection.read_response()
        self._own.unread = None
        return reply

    def _connection(self) -> Any:
        own = self._own.__dict__
        connection = own.get("connection")
        if connection is None or connection.pid != os.getpid():  # a forked process would share that of its parent
            connection = own["connection"] = self._pool.connection_class(**self._pool.connection_kwargs)
        elif own["unread"] is not None:  # the thread was interrupted before it read the reply
            connection.disconnect()
        return connection
