"""What treating clients is worth, as far as the permanent holdout shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine

from experiments.plan import HOLDOUT
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.readout.arms import HOLDOUT_MOVED
from services.readout.facts import MONTHS, newest_matured
from services.readout.kept import FRESH, Readings
from services.readout.parts import ArmReadout, Readout
from services.readout.reading import UnknownExperiment, glance

REMEMBERED = timedelta(minutes=5)
_UNKNOWN = "What contacting a client saves is not shown:"


@dataclass(frozen=True, slots=True)
class Effect:
    """`reduction` is the part of the leavers whom treating clients keeps, in 0 to 1; None unless the holdout shows that
    it keeps any. `sentence` says which."""

    reduction: float | None
    sentence: str

    def saving(self, money_at_risk: float | None) -> float | None:
        """The money that contacting a client is expected to save, to the cent."""
        if self.reduction is None or money_at_risk is None:
            return None
        return round(money_at_risk * self.reduction, 2)


BEING_READ = Effect(None, f"{_UNKNOWN} it is being read just now; look again in a few seconds.")


class HoldoutEffect:
    """Reads the effect in the newest month whose clients have all matured: a choice that no result can sway. One
    reading serves for five minutes; while one thread reads anew, the others go on with what was known."""

    def __init__(self, engine: Engine, clock: Clock, readings: Readings) -> None:
        self._engine = engine
        self._clock = clock
        self._readings = readings
        self._reading = Lock()
        self._known: tuple[datetime, LiveConfig, Effect] | None = None

    def current(self, config: LiveConfig) -> Effect:
        """Raises SQLAlchemyError."""
        now, known = self._clock.now(), self._known
        if known and now - known[0] < REMEMBERED and known[1] == config:
            return known[2]
        if not self._reading.acquire(blocking=False):
            return known[2] if known else BEING_READ
        try:
            found = self._read(config, now)
            self._known = (now, config, found)
        finally:
            self._reading.release()
        return found

    def _read(self, config: LiveConfig, now: datetime) -> Effect:
        """From what the schedule process keeps, unless that has stopped."""
        month = newest_matured(now, config.maturity_days)
        name = f"{MONTHS}{month:%Y-%m}"
        try:
            kept = self._readings.kept(self._readings.readout(config, name))
            recent = kept and now - kept.read_at < REMEMBERED + FRESH
            found = kept.found if kept and recent else glance(self._engine, self._clock, config, name)
        except UnknownExperiment:
            why = "set holdout_percentage to learn it" if not config.holdout_percentage else "it takes a whole month"
            return Effect(None, f"{_UNKNOWN} no month of the permanent holdout has matured yet; {why}.")
        return effect_of(found, f"{month:%B %Y}")


def effect_of(found: Readout, month: str) -> Effect:
    """The effect that a month of the permanent holdout shows."""
    arms = {arm.arm: arm for arm in found.arms}
    held = arms.get(HOLDOUT)
    treated = next((arm for name, arm in arms.items() if name != HOLDOUT), None)
    if held is None or not held.clients:
        return Effect(None, f"{_UNKNOWN} nobody was in the holdout in {month}; set holdout_percentage to learn it.")
    if treated is not None and treated.reason == HOLDOUT_MOVED:
        return Effect(None, f"{_UNKNOWN} the holdout was set or changed in {month}, while clients came.")
    if treated is None or not (held.churn_rate and treated.churn_rate and treated.difference):
        return Effect(None, f"{_UNKNOWN} too few clients of the holdout matured in {month}.")
    if found.mismatch and found.mismatch.alarm:
        return Effect(None, f"{_UNKNOWN} the holdout of {month} is not of the size that was configured.")
    return _decided(held, treated, month)


def _decided(held: ArmReadout, treated: ArmReadout, month: str) -> Effect:
    finding = treated.difference.finding if treated.difference else "undecided"
    if finding == "worse":
        return Effect(None, f"{_UNKNOWN} in {month} treated clients left more often than those of the holdout.")
    if finding == "undecided" or not (held.churn_rate and treated.churn_rate):
        return Effect(None, f"{_UNKNOWN} the holdout of {month} does not show that treating clients keeps any.")
    reduction = 1 - treated.churn_rate.value / held.churn_rate.value
    told = f"in {month} treated clients left {100 * reduction:.0f}% less often than those of the holdout"
    return Effect(reduction, f"Expected saving is that part of the money at risk which contacting keeps: {told}.")
