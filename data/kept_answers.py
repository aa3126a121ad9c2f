"""Answers kept for whoever asks the same again, and who is at an answer now. In Redis, for a while."""

from dataclasses import dataclass

from redis import Redis

KEPT_SECONDS = 3_600
"""Retries come within minutes. At 100 keys a second an hour of small answers is some 300 MB of Redis' memory."""
CLAIM_SECONDS = 10
"""Longer than an answer takes; for so long nobody answers in place of a process that was killed meanwhile."""
_FINGERPRINT = 64


@dataclass(frozen=True, slots=True)
class Kept:
    """`fingerprint`: 64 characters that say what was asked; `answer`: None while somebody is at it."""

    fingerprint: str
    answer: bytes | None


class KeptAnswers:
    """Every call is one round trip, all or nothing, and raises `redis.RedisError` when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def claim(self, name: str, fingerprint: str) -> Kept | None:
        """What there is under the name; None makes the answer the caller's to give, and the name its own until then."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(_answer(name))
            pipeline.set(_claim(name), fingerprint, nx=True, ex=CLAIM_SECONDS)
            pipeline.get(_claim(name))
            answered, taken, claimed = pipeline.execute()
        if answered is not None:
            return _kept(answered)
        return None if taken else Kept(claimed.decode(), None)

    def keep(self, name: str, fingerprint: str, answer: bytes) -> Kept:
        """Keeps the answer unless there is one by now, and returns the one that is kept."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_answer(name), fingerprint.encode() + answer, nx=True, ex=KEPT_SECONDS)
            pipeline.get(_answer(name))
            pipeline.delete(_claim(name))
            return _kept(pipeline.execute()[1])

    def release(self, name: str) -> None:
        """There was no answer: the next one who asks may try."""
        self._redis.delete(_claim(name))


def _kept(stored: bytes) -> Kept:
    return Kept(stored[:_FINGERPRINT].decode(), stored[_FINGERPRINT:])


def _answer(name: str) -> str:
    return f"holdfast:idempotent:{name}:answer"


def _claim(name: str) -> str:
    return f"holdfast:idempotent:{name}:claim"
