"""Whose turn it is, over all processes of a deployment: at most one turn in so many seconds."""

from data.redis_client import build_redis

TIMEOUT_SECONDS = 1.0


class Turns:
    """Kept in Redis, as keys that lapse. A process that dies after taking its turn costs that one turn.

    Emptying Redis can give one turn too many; what is done in turns must bear to be done again.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = build_redis(redis_url, timeout=TIMEOUT_SECONDS)

    def take(self, name: str, seconds: float) -> bool:
        """Whether the turn is ours: nobody took one of this name in the last `seconds`.

        Raises redis.RedisError; then it is nobody's.
        """
        return bool(self._redis.set(f"holdfast:turn:{name}", "taken", nx=True, px=round(seconds * 1_000)))
