"""What an experiment has shown so far, read from the ledger's exposures and outcomes.

It may be read every day and by whoever likes to: its intervals hold for all looks together.
"""

from datetime import datetime

from sqlalchemy import Engine

from helpers.clock import Clock
from services.config.model import LiveConfig
from services.readout.arms import HOLDOUT_MOVED, Arms, arm_readout, arms_of
from services.readout.doubts import warnings
from services.readout.facts import UnknownExperiment, all_facts, ended, facts_of, is_month, state_of
from services.readout.figures import Figures, ReadoutBusy, gather, glimpse
from services.readout.money import money_readout, months_between, sides_of
from services.readout.months import months
from services.readout.parts import ExperimentFacts, Readout, Savings
from services.readout.power import power_readout
from services.readout.quality import shadow_readouts
from services.readout.split import SPLIT_BROKEN
from services.readout.verdict import verdict, winner_of

__all__ = [
    "ExperimentFacts",
    "Readout",
    "ReadoutBusy",
    "Savings",
    "UnknownExperiment",
    "all_facts",
    "glance",
    "months",
    "read",
    "read_facts",
]


def read(engine: Engine, clock: Clock, config: LiveConfig, name: str) -> Readout:
    """The readout of an experiment, or of a month of the permanent holdout: `holdout/2026-11`.

    Raises UnknownExperiment, a UserError that lists the names there are, and ReadoutBusy.
    """
    return read_facts(engine, clock, config, facts_of(engine, name))


def read_facts(engine: Engine, clock: Clock, config: LiveConfig, facts: ExperimentFacts) -> Readout:
    """The readout of an experiment that the caller knows about. Raises ReadoutBusy."""
    now = clock.now()
    return _composed(facts, gather(engine, facts.name, now, config.maturity_days), config, now)


def glance(engine: Engine, clock: Clock, config: LiveConfig, name: str) -> Readout:
    """What `read` gives without the quality of models and the rows of the ledger, in a third of the time: for verdicts.

    Raises UnknownExperiment.
    """
    now = clock.now()
    facts = facts_of(engine, name)
    return _composed(facts, glimpse(engine, facts.name, now, config.maturity_days), config, now)


def _composed(facts: ExperimentFacts, figures: Figures, config: LiveConfig, now: datetime) -> Readout:
    arms, days = arms_of(facts, figures), config.maturity_days
    rows = {arm: arm_readout(arms, arm, figures) for arm in arms.sums}
    candidates = [rows[arm] for arm in arms.candidates]
    state, stopped_at = state_of(facts, now), ended(facts, now)
    began = facts.started_at or figures.first_at
    collected = 1.0 if is_month(facts.name) else months_between(began, stopped_at or now)
    over = stopped_at is not None or state == "stopped"
    arriving = not over and state != "paused"
    return Readout(
        experiment=facts.name,
        layer=facts.layer,
        salt=facts.salt,
        state=state,
        started_at=began,
        stopped_at=stopped_at,
        read_at=now,
        maturity_days=days,
        early_outcomes=figures.early,
        control=arms.control,
        arms=tuple(rows.values()),
        shadows=shadow_readouts(figures),
        mismatch=arms.split,
        power=power_readout(arms, figures, config.smallest_effect, now, days, arriving),
        money=money_readout(sides_of(figures.parts, figures.early, _doubt(arms)), collected),
        winner=winner_of(candidates),
        verdict=verdict(rows.get(arms.control or ""), candidates, alarm=arms.broken, over=over),
        warnings=warnings(arms, figures, days),
    )


def _doubt(arms: Arms) -> str | None:
    """Why the holdout and the treated cannot be compared. Only a month's shares are those of the holdout."""
    if arms.holdout_moved:
        return HOLDOUT_MOVED
    return SPLIT_BROKEN if arms.broken and is_month(arms.facts.name) else None
