"""The access tokens as a process remembers them: no call waits for the database because of a known one."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine

from data import access_token_store
from data.access_token_store import AccessToken
from helpers.clock import Clock
from services.background import Background
from services.callers import Caller, InvalidToken, TokensAway, WrongToken

log = structlog.get_logger()
REREAD_SECONDS = 2  # so soon every process knows of a revocation
LAST_GOOD = timedelta(minutes=15)  # so long a token counts that cannot be looked up any more
NOTED_EVERY = timedelta(minutes=1)
PATIENCE_SECONDS = 0.25
WARM_SECONDS = 2.0
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    caller: Caller
    expires_at: datetime | None
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    """What was in the table at one instant, by token hash."""

    read_at: datetime = _NEVER
    tokens: Mapping[str, _Known] = field(default_factory=dict)


class TokenMemory:
    """All tokens that were not revoked, read again every `REREAD_SECONDS` in the background, and when one comes that
    is unknown: it may have been made just now. Notes uses, at most one a token and minute, on the same occasion."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._held = _Held()
        self._asked: threading.Event | None = None
        self._used: dict[int, datetime] = {}
        self._background = Background("tokens", 1)
        self._answers = True  # whether the database did at the last question

    def find(self, token_hash: str) -> Caller:
        """Whose token it is. Raises WrongToken, InvalidToken when it has expired, TokensAway when it is unknown or
        was last known too long ago and the database does not answer."""
        held, now = self._held, self._clock.now()
        known = held.tokens.get(token_hash) or self._find_anew(token_hash, held)
        if now - self._held.read_at > LAST_GOOD:
            raise TokensAway
        if known.expires_at is not None and known.expires_at <= now:
            raise InvalidToken("expired")
        if now - known.noted_at >= NOTED_EVERY:
            self._note(known.id, now)
        return known.caller

    def reread(self) -> threading.Event:
        """Has the tokens read again, soon, in the background; the event is set once that is done, or has failed. One
        reading waits at most: who asks while it has not begun shares it."""
        with self._lock:
            if self._asked is None:
                self._asked = self._background.submit(self._read)
            return self._asked

    def warm(self) -> None:
        """Reads the tokens before the first question."""
        self.reread().wait(WARM_SECONDS)

    def _find_anew(self, token_hash: str, held: _Held) -> _Known:
        """In a reading that begins now. A database that failed at the last question is asked, but not waited for."""
        self._answers &= self.reread().wait(PATIENCE_SECONDS if self._answers else 0.0)
        if self._held is held:
            raise TokensAway
        known = self._held.tokens.get(token_hash)
        if known is None:
            raise WrongToken
        return known

    def _note(self, token_id: int, now: datetime) -> None:
        with self._lock:
            self._used[token_id] = now

    def _read(self) -> None:
        with self._lock:
            self._asked = None  # who asks from now on wants a later reading
        try:
            read_at = self._clock.now()
            with self._engine.connect() as connection:
                tokens = access_token_store.unrevoked(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, the last good reading counts
            self._failed(error)
            return
        self._held = _Held(read_at, {token.token_hash: _known(token) for token in tokens})
        self._answers = True
        self._write_uses()

    def _write_uses(self) -> None:
        """What cannot be written is tried again after the next reading."""
        with self._lock:
            used = dict(self._used)
        if not used:
            return
        with self._engine.begin() as connection:
            for token_id, at in sorted(used.items()):
                access_token_store.note_use(connection, token_id, at, unless_since=at - NOTED_EVERY)
        with self._lock:
            self._used = {token_id: at for token_id, at in self._used.items() if token_id not in used}

    def _failed(self, error: Exception) -> None:
        if self._answers:
            log.warning("tokens_not_read", error=f"{type(error).__name__}: {error}")
        self._answers = False


def _known(token: AccessToken) -> _Known:
    caller = Caller(token.name, frozenset(token.scopes))
    return _Known(token.id, caller, token.expires_at, token.last_used_at or _NEVER)
