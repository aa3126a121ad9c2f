"""Whose turn it is to change the staging deployment: one trial's at a time, whichever process it runs in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Engine

from data import staging_trial_store
from data.stage_client import StageProblem
from data.staging_trial_store import Owed, StagingTrial
from helpers.clock import Clock
from helpers.ids import new_id

LEASE = timedelta(seconds=90)
"""Above what two calls to staging can take: nobody who is still at work lets it lapse."""
WAIT_SECONDS, LOOK_SECONDS = 10.0, 0.1


@dataclass(slots=True)
class Lease:
    """The turn of one trial, kept in the own database. Every act raises SQLAlchemyError while that is away."""

    engine: Engine
    clock: Clock
    trial: StagingTrial

    @property
    def owed(self) -> Owed | None:
        """What staging is to be given back, by this trial or, before it sent anything, by one that died."""
        return self.trial.owed

    def keep(self) -> None:
        """To be called before each step there. Raises StageProblem when it lapsed and somebody else has it."""
        self.owe(self.owed)

    def owe(self, owed: Owed | None) -> None:
        """Writes down what is owed, before it is, and keeps the lease. Raises StageProblem as `keep` does."""
        trial = replace(self.trial, owed=owed, held_until=self.clock.now() + LEASE)
        if not self._write(trial):
            raise StageProblem("this trial on staging took so long that another one has its turn now")
        self.trial = trial

    def end(self) -> None:
        """Lets others go on; what is still owed stays written down for them."""
        self._write(replace(self.trial, held_until=self.clock.now()))

    def _write(self, trial: StagingTrial) -> bool:
        with self.engine.begin() as connection:
            staging_trial_store.take_turn(connection)
            found = staging_trial_store.find(connection, trial.place)
            if found is None or found.holder != trial.holder:
                return False
            if trial.owed is None and trial.held_until <= self.clock.now():
                staging_trial_store.remove(connection, trial.place)
            else:
                staging_trial_store.put(connection, trial)
            return True


@contextmanager
def leased(engine: Engine, clock: Clock, url: str, seconds: float) -> Iterator[Lease]:
    """Waits as long for whoever else is at work on that staging deployment. Raises StageProblem, saying until when it
    is another's, and SQLAlchemyError."""
    lease = _take(engine, clock, url, seconds)
    try:
        yield lease
    finally:
        lease.end()


def left(engine: Engine, clock: Clock, url: str) -> bool:
    """Whether something is owed there that nobody is at work on."""
    with engine.connect() as connection:
        found = staging_trial_store.find(connection, place_of(url))
    return found is not None and found.owed is not None and found.held_until <= clock.now()


def place_of(url: str) -> str:
    """The key of that deployment's trials: SHA-256 in hexadecimal, for an address may be longer than any key."""
    return sha256(url.encode()).hexdigest()


def _take(engine: Engine, clock: Clock, url: str, seconds: float) -> Lease:
    until = time.monotonic() + seconds
    while True:
        now = clock.now()
        mine = StagingTrial(place_of(url), new_id(), now, now + LEASE, None)
        trial = _begun(engine, mine)
        if trial.holder == mine.holder:
            return Lease(engine, clock, trial)
        if time.monotonic() > until:
            raise StageProblem(_busy(trial))
        time.sleep(LOOK_SECONDS)


def _begun(engine: Engine, mine: StagingTrial) -> StagingTrial:
    """The trial that has the turn now: this one, which then owes what the one before left, or somebody else's."""
    with engine.begin() as connection:
        staging_trial_store.take_turn(connection)
        found = staging_trial_store.find(connection, mine.place)
        if found is not None and found.held_until > mine.begun_at:
            return found
        trial = replace(mine, owed=found.owed if found else None)
        staging_trial_store.put(connection, trial)
        return trial


def _busy(other: StagingTrial) -> str:
    since, until = clock_time(other.begun_at), clock_time(other.held_until)
    text = f"another change is being tried out on staging since {since}: try again in a minute"
    return f"{text}; if its process died, its turn ends at {until}"


def clock_time(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
