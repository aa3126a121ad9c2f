"""Answers a question that is sent again with the answer that was given, whichever process gave it."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from data.kept_answers import KeptAnswers
from helpers.canonical import digest
from helpers.failsoft import FailSoft

WAIT_SECONDS = 1.0
"""An answer takes milliseconds: who asks beside another one's answer mostly has it sooner than by coming again."""
_LOOK_SECONDS = 0.02


class OtherQuestion(Exception):
    """The key came before, with something else."""


class StillAnswering(Exception):
    """Somebody is at the answer, and takes longer than one should wait."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a caller to have something answered once. `asked` is all that the answer depends on."""

    caller: str
    key: str
    asked: bytes

    @property
    def name(self) -> str:
        return digest([self.caller, self.key])

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.asked).hexdigest()

    def prediction_ids(self, client_ids: Sequence[str]) -> list[str]:
        """The same for each try, so that the ledger keeps one row of them even when nobody remembers the others. They
        depend on what is asked: a row must never stand for another answer than the one that names it."""
        seed = UUID(digest([self.name, self.fingerprint])[:32])
        return [str(uuid5(seed, f"{row} {client_id}")) for row, client_id in enumerate(client_ids)]


class Idempotency:
    """With Redis away every try is answered anew, under the same prediction ids."""

    def __init__(self, kept: KeptAnswers, guard: FailSoft) -> None:
        self._kept = kept
        self._guard = guard

    def begin(self, attempt: Attempt) -> bytes | None:
        """The answer that was given; None when it is to be given now, and then `keep` or `abandon` must follow. Raises
        OtherQuestion or StillAnswering."""
        name, fingerprint = attempt.name, attempt.fingerprint
        until = time.monotonic() + WAIT_SECONDS
        while (found := self._guard.call(lambda: self._kept.claim(name, fingerprint), default=None)) is not None:
            if found.fingerprint != fingerprint:
                raise OtherQuestion
            if found.answer is not None:
                return found.answer
            if time.monotonic() > until:
                raise StillAnswering
            time.sleep(_LOOK_SECONDS)
        return None

    def keep(self, attempt: Attempt, answer: bytes) -> bytes:
        """What is to be sent: should another try have been answered meanwhile, that answer."""
        name, fingerprint = attempt.name, attempt.fingerprint
        kept = self._guard.call(lambda: self._kept.keep(name, fingerprint, answer), default=None)
        return kept.answer if kept and kept.answer and kept.fingerprint == fingerprint else answer

    def abandon(self, attempt: Attempt) -> None:
        """There is no answer. Errors are not kept: what was wrong may be mended by the next try."""
        self._guard.call(lambda: self._kept.release(attempt.name), default=None)
