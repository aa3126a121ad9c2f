"""What the permanent holdout shows from month to month."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from data import readout_counts, readout_store, readout_tallies
from data.exposures import TREATED_ARM
from data.readout_store import Question
from experiments.plan import HOLDOUT
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.readout.arms import HOLDOUT_MOVED
from services.readout.facts import MONTHS, months_of
from services.readout.figures import asking
from services.readout.money import NO_HOLDOUT, Sides, saved_per_client, saved_words, sides_of
from services.readout.parts import ExperimentFacts, MonthSaved, Savings
from services.readout.split import SPLIT_BROKEN, split_of
from services.readout.sums import cents

NOT_ADDED = "Months cannot be added up, since a client who leaves may count in two of them."


def months(engine: Engine, clock: Clock, config: LiveConfig) -> Savings:
    """Every month of the permanent holdout that any client was in. Raises ReadoutBusy."""
    now, days = clock.now(), config.maturity_days
    with engine.connect() as connection:
        facts = months_of(connection)
    with asking(engine) as ask:
        found = {each.name: ask(partial(_sides, each, now, days)) for each in facts}
        known = tuple(_month(name, sides.result()) for name, sides in found.items())
    return Savings(known, _told(known))


def _sides(facts: ExperimentFacts, now: datetime, maturity_days: int, connection: Connection) -> Sides:
    served = readout_counts.served(connection, facts.name)
    parts = readout_tallies.parts(connection, Question(facts.name, now, maturity_days, tuple(served)))
    moved = facts.holdout_moved(min(served.values(), default=None))
    sides = sides_of(parts, readout_store.early_outcomes(parts), HOLDOUT_MOVED if moved else None)
    split = split_of(facts.arms, {HOLDOUT: sides.holdout.clients, TREATED_ARM: sides.treated.clients})
    return replace(sides, doubt=SPLIT_BROKEN) if split and split.alarm and not moved else sides


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


def _told(found: Sequence[MonthSaved]) -> str:
    """Of the newest month that can be told. The months are never added up: who comes late in one and leaves counts in
    the next as well."""
    if not found:
        return f"What treating clients saves is not known: {NO_HOLDOUT}."
    known = [(each, each.saved) for each in found if each.saved]
    if not known:
        return f"What treating clients saves is not known yet: {found[-1].reason}."
    month, saved = known[-1]
    sentence = saved_words(saved, f"in {datetime.strptime(month.month, '%Y-%m'):%B %Y}")
    return sentence if len(known) == 1 else f"{sentence} {NOT_ADDED}"
