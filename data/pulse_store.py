"""What the processes of a deployment tell of themselves, kept in Redis: signs of life, and what they counted.

Counts are kept a week by the hour and some hours by the minute. They are for looking at: who empties Redis empties
them too, and a process that is killed takes its last few seconds along. The ledger has every answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

import orjson
from redis import Redis

MINUTE, HOUR, DAY = 60, 3_600, 86_400
FORGOTTEN_SECONDS = HOUR
PROCESSES, SINCE = "holdfast:processes", "holdfast:alerts-since"
KEPT_SECONDS = {"hour": 3 * HOUR, "day": 9 * DAY}


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life. Times are seconds since 1970. `revision` is that of the config in force there, read at
    `refreshed_at`, None where a process reads the table at each use. `spool` counts records that the ledger lacks, of
    which there were some ever since `spool_since`. `troubles` maps what is amiss to the text and since when it is."""

    host: str
    pid: int
    role: str
    started_at: float
    at: float
    revision: int | None = None
    refreshed_at: float | None = None
    spool: int | None = None
    spool_since: float | None = None
    troubles: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.pid}"


class PulseStore:
    """Every call raises `redis.RedisError` when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def beat(self, beat: Beat, counted: Mapping[str, int]) -> None:
        """Notes the sign of life, and adds what the process `counted` since its last one."""
        hour, day = int(beat.at // HOUR), int(beat.at // DAY)
        places = (
            ("hour", f"holdfast:pulse:hour:{hour}", int(beat.at // MINUTE)),
            ("day", f"holdfast:pulse:day:{day}", hour),
        )
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(PROCESSES, beat.name, orjson.dumps(asdict(beat)))
            pipeline.expire(PROCESSES, DAY)
            for span, key, moment in places if counted else ():
                for name, number in counted.items():
                    pipeline.hincrby(key, f"{moment}|{name}", number)
                pipeline.expire(key, KEPT_SECONDS[span])
            pipeline.execute()

    def leave(self, name: str) -> None:
        """Forgets a process that ends in order."""
        self._redis.hdel(PROCESSES, name)

    def processes(self, now: float) -> list[Beat]:
        """The last sign of life of each process that gave one within the hour; the older ones are forgotten."""
        found = [_beat(text) for text in cast("list[bytes]", self._redis.hvals(PROCESSES))]
        gone = [each.name for each in found if now - each.at > FORGOTTEN_SECONDS]
        if gone:
            self._redis.hdel(PROCESSES, *gone)
        return sorted((each for each in found if each.name not in gone), key=lambda each: (each.role, each.name))

    def minutes(self, first: int, last: int) -> dict[int, Counter[str]]:
        """What was counted in each minute (since 1970) from `first` to `last`; none where nothing was."""
        keys = [f"holdfast:pulse:hour:{hour}" for hour in range(first // 60, last // 60 + 1)]
        return self._counts(keys, range(first, last + 1))

    def hours(self, first: int, last: int) -> dict[int, Counter[str]]:
        """Likewise by the hour."""
        keys = [f"holdfast:pulse:day:{day}" for day in range(first // 24, last // 24 + 1)]
        return self._counts(keys, range(first, last + 1))

    def since(self, names: Iterable[str], now: float) -> dict[str, float]:
        """Since when each of `names` has been given to this call, without a call in between that did not."""
        given = set(names)
        known = {name.decode(): float(at) for name, at in self._hash(SINCE).items()}
        over, new = set(known) - given, given - set(known)
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in new:
                pipeline.hsetnx(SINCE, name, str(now))
            if over:
                pipeline.hdel(SINCE, *over)
            pipeline.execute()
        return {name: known.get(name, now) for name in given}

    def _counts(self, keys: list[str], moments: range) -> dict[int, Counter[str]]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            replies = cast("list[dict[bytes, bytes]]", pipeline.execute())
        found: dict[int, Counter[str]] = {}
        for place, number in (pair for reply in replies for pair in reply.items()):
            moment, _, name = place.decode().partition("|")
            if int(moment) in moments:
                found.setdefault(int(moment), Counter())[name] = int(number)
        return found

    def _hash(self, key: str) -> dict[bytes, bytes]:
        return cast("dict[bytes, bytes]", self._redis.hgetall(key))


def _beat(text: bytes) -> Beat:
    told = orjson.loads(text)
    troubles = {name: (str(words), float(at)) for name, (words, at) in told.pop("troubles").items()}
    return Beat(**told, troubles=troubles)
