"""Who was seen when, and the fleet's config revision: one Redis round trip a request. And how often models failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from data.redis_line import RedisLine
from helpers.ids import new_id

REVISION_KEY = "holdfast:config-revision"
FAILURES_KEPT_DAYS = 31
_MOST_REMEMBERED = 1_000
_MINUTE, _DAY = 60, 86_400
_SIGHT = """
local told, most = {redis.call('GET', KEYS[1])}, tonumber(ARGV[4])
for i = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[2])
  redis.call('ZADD', KEYS[i], ARGV[1], ARGV[5] .. i)
  local count = redis.call('ZCARD', KEYS[i])
  told[i] = count - 1
  if count > most then redis.call('ZREMRANGEBYRANK', KEYS[i], 0, count - most - 1) end
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return told
"""
"""One command rather than five a client: most of the time was theirs on the way. In full rather than by its digest,
which a server forgets when it restarts. Each sighting has a name, of the command's id and its place in it, and is
counted without itself, so that a command that is sent twice changes and tells what it does once."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """`earlier`: how often each client was seen before, in order; `fleet_revision`: None when unset."""

    earlier: tuple[int, ...]
    fleet_revision: str | None


class ClientActivity:
    """Sightings inside a sliding window, at most 1,000 remembered for a client. Every call raises
    `redis.RedisError` when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._line = RedisLine(redis)

    def sight(self, client_ids: Sequence[str], now: float, window_seconds: int) -> Callable[[], Sightings]:
        """Notes a sighting of each client at `now` (seconds since 1970). The function that it gives must be called by
        the same thread, and tells how often they were seen earlier."""
        keys = [REVISION_KEY, *(f"holdfast:seen:{client_id}" for client_id in client_ids)]
        limits = (now, now - window_seconds, window_seconds, _MOST_REMEMBERED)
        reply = self._line.send("EVAL", _SIGHT, len(keys), *keys, *limits, new_id())
        return lambda: _sightings(reply())

    def fleet_revision(self) -> str | None:
        return _text(self._redis.get(REVISION_KEY))

    def announce(self) -> bool:
        """Tells every process that the config table changed. A new name each time rather than a
        counter: a counter that Redis forgot would come back to a value already seen."""
        return bool(self._redis.set(REVISION_KEY, new_id()))

    def count_failure(self, model: str, clients: int, now: float) -> None:
        """Counts `clients` whom `model` (`name@version`) could not answer, in the minute of `now`."""
        key = _failures_key(model, int(now // _DAY))
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hincrby(key, str(int(now // _MINUTE)), clients)
            pipeline.expire(key, FAILURES_KEPT_DAYS * _DAY)
            pipeline.execute()

    def failures(self, model: str, since: float, until: float) -> int:
        """The clients whom the model could not answer in the minutes that began from `since` to `until`."""
        days = range(int(since // _DAY), int(until // _DAY) + 1)
        minutes = range(-int(-since // _MINUTE), int(until // _MINUTE) + 1)
        with self._redis.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(_failures_key(model, day))
            counted = pipeline.execute()
        return sum(int(number) for found in counted for minute, number in found.items() if int(minute) in minutes)


def _failures_key(model: str, day: int) -> str:
    return f"holdfast:failures:{model}:{day}"


def _sightings(reply: Any) -> Sightings:
    revision, *earlier = reply
    return Sightings(tuple(earlier), _text(revision))


def _text(reply: Any) -> str | None:
    return None if reply is None else reply.decode()
