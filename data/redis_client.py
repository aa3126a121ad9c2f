"""Redis clients that give up when told to.

redis-py's own defaults retry for many seconds when a server hangs, and RQ raises the timeouts of
the client it is given: so each use makes its own client here, with its own timeout and no retries.
"""

from redis import Redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry


def build_redis(url: str, timeout: float = 0.1) -> Redis:
    """A client that connects at its first command. A command takes `timeout` seconds to connect, and
    again to be answered, at most; then redis.RedisError is raised, with no second try."""
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
