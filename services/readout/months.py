"""What the permanent holdout shows from month to month."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from data import readout_counts, readout_store, readout_tallies
from data.readout_store import Question
from experiments.statistics import Estimate
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.readout.facts import MONTHS, months_of
from services.readout.figures import asking
from services.readout.money import NO_HOLDOUT, Sides, saved_per_client, saved_words, sides_of
from services.readout.parts import ExperimentFacts, MonthSaved, Savings
from services.readout.sums import cents
from services.readout.wording import plural

LONGEST_WINDOW = 31  # days; with a longer one, who leaves in one month counts in the months before as well


def months(engine: Engine, clock: Clock, config: LiveConfig) -> Savings:
    """Every month of the permanent holdout that any client was in. Raises ReadoutBusy."""
    now, days = clock.now(), config.maturity_days
    with engine.connect() as connection:
        facts = months_of(connection)
    with asking(engine) as ask:
        found = {each.name: ask(partial(_sides, each, now, days)) for each in facts}
        return _together([_month(name, sides.result()) for name, sides in found.items()], days)


def _sides(facts: ExperimentFacts, now: datetime, maturity_days: int, connection: Connection) -> Sides:
    served = readout_counts.served(connection, facts.name)
    parts = readout_tallies.parts(connection, Question(facts.name, now, maturity_days, tuple(served)))
    moved = facts.holdout_moved(min(served.values(), default=None))
    return sides_of(parts, readout_store.early_outcomes(parts), moved=moved)


def _month(name: str, sides: Sides) -> MonthSaved:
    per_client, reason = saved_per_client(sides)
    return MonthSaved(
        month=name.removeprefix(MONTHS),
        experiment=name,
        saved=cents(per_client and per_client.scaled(sides.treated.valued)),
        per_client=cents(per_client),
        holdout_clients=sides.holdout.clients,
        treated_clients=sides.treated.clients,
        holdout_matured=sides.holdout.matured,
        treated_matured=sides.treated.matured,
        reason=reason,
    )


def _together(found: Sequence[MonthSaved], maturity_days: int) -> Savings:
    known = [month.saved for month in found if month.saved is not None]
    if not found:
        return Savings((), None, f"What treating clients saves is not known: {NO_HOLDOUT}.")
    if not known:
        return Savings(tuple(found), None, f"What treating clients saves is not known yet: {found[-1].reason}.")
    if maturity_days > LONGEST_WINDOW and len(known) > 1:
        why = f"outcomes count for {maturity_days} days, so who leaves counts in more than one month"
        return Savings(tuple(found), None, f"The months cannot be added up: {why}.")
    total = _added(known)
    return Savings(tuple(found), cents(total), saved_words(total, f"in {plural(len(known), 'month')}"))


def _added(known: Sequence[Estimate]) -> Estimate:
    """The sum of the months, its error the root of their squared errors: each month draws outcomes of its own."""
    value = math.fsum(each.value for each in known)
    half = math.hypot(*(each.high - each.value for each in known))
    return Estimate(value, value - half, value + half)
