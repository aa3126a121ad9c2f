"""The arms of an experiment, each beside the control."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.plan import CHAMPION, HOLDOUT
from experiments.plan import control as control_of
from experiments.statistics import ALPHA, Estimate, difference, mean
from services.readout.facts import is_month
from services.readout.figures import Figures
from services.readout.parts import ArmReadout, Comparison, ExperimentFacts, Finding, MismatchReadout
from services.readout.quality import arm_qualities
from services.readout.split import SPLIT_BROKEN, split_of
from services.readout.sums import Sums, cents, shortage, sums

HOLDOUT_MOVED = "the holdout was set or changed while its clients came, so they and the others came at different times"


@dataclass(frozen=True, slots=True)
class Arms:
    """What each arm comes to, the control first and the holdout last. `candidates` may win."""

    facts: ExperimentFacts
    control: str | None
    sums: Mapping[str, Sums]
    holdout_moved: bool
    split: MismatchReadout | None

    @property
    def candidates(self) -> tuple[str, ...]:
        """In a month of the permanent holdout the treated, else all arms but the control and the holdout."""
        return tuple(arm for arm in self.sums if arm not in (self.control, HOLDOUT))

    @property
    def broken(self) -> bool:
        """Something else than chance decides who meets which arm."""
        return self.split is not None and self.split.alarm

    @property
    def alpha(self) -> float:
        """Bonferroni: each of the compared arms may err with its part of the whole."""
        return ALPHA / max(1, len(self.candidates))


def arms_of(facts: ExperimentFacts, figures: Figures) -> Arms:
    """Every arm that is configured or that a client met."""
    seen = {part.served.arm for part in figures.parts}
    by_arm = {
        arm: sums([part for part in figures.parts if part.served.arm == arm], figures.early)
        for arm in {*facts.arms, *seen}
    }
    control = _control(facts, by_arm)
    order = sorted(by_arm, key=lambda arm: (arm != control, arm == HOLDOUT, arm))
    split = split_of(facts.arms, {arm: found.clients for arm, found in by_arm.items()})
    return Arms(facts, control, {arm: by_arm[arm] for arm in order}, facts.holdout_moved(figures.first_at), split)


def arm_readout(arms: Arms, arm: str, figures: Figures) -> ArmReadout:
    found = arms.sums[arm]
    shown = found.enough
    money = shown and found.enough_money
    compared, reason = compare(arms, arm)
    return ArmReadout(
        arm=arm,
        models=tuple(sorted({part.served.model for part in figures.parts if part.served.arm == arm})),
        share=arms.facts.arms.get(arm),
        clients=found.clients,
        exposures=_answers(arms, arm, figures),
        matured=found.matured,
        immature=found.clients - found.matured,
        churned=found.churned if shown else None,
        clients_without_value=found.clients - found.valued,
        churn_rate=_within(mean(found.left), 0.0, 1.0) if shown else None,
        kept_money=round(found.kept.total, 2) if money else None,
        kept_per_client=cents(mean(found.kept)) if money else None,
        difference=compared,
        reason=reason,
        quality=arm_qualities([each for each in figures.bins if each.served.arm == arm], figures.early),
    )


def _answers(arms: Arms, arm: str, figures: Figures) -> int | None:
    """A month of the holdout is no experiment of the ledger's own."""
    if figures.answers is None or is_month(arms.facts.name):
        return None
    return figures.answers.get(arm, 0)


def compare(arms: Arms, arm: str) -> tuple[Comparison | None, str | None]:
    """The arm's churn rate minus the control's, or why it is not shown; both where the split is broken, since nothing
    is decided then. The control has neither.

    The holdout is no candidate: its difference is a question of its own, at the whole ALPHA.
    """
    reason = shortage(arms.sums[arm])
    if reason or arms.control in (None, arm):
        return None, reason
    if arms.holdout_moved and HOLDOUT in (arm, arms.control):
        return None, HOLDOUT_MOVED
    control = arms.sums[arms.control or ""]
    short = shortage(control)
    if short:
        return None, f"the control, {arms.control}, is not known yet: {short}"
    found = difference(arms.sums[arm].left, control.left, arms.alpha if arm in arms.candidates else ALPHA)
    return (_judged(found, arms.broken), SPLIT_BROKEN if arms.broken else None) if found else (None, None)


def _judged(found: Estimate, broken: bool) -> Comparison:
    finding: Finding = "undecided"
    if not broken:
        finding = "better" if found.high < 0 else "worse" if found.low > 0 else "undecided"
    return Comparison(found.value, found.low, found.high, finding)


def _within(found: Estimate | None, least: float, most: float) -> Estimate | None:
    return found and Estimate(found.value, max(least, found.low), min(most, found.high))


def _control(facts: ExperimentFacts, by_arm: Mapping[str, Sums]) -> str | None:
    """The champion where it is an arm, else the arm with the largest share, or where shares are not known with the most
    clients; in a month the holdout."""
    if is_month(facts.name):
        return HOLDOUT if HOLDOUT in by_arm else None
    open_arms = sorted(arm for arm in by_arm if arm != HOLDOUT)
    if CHAMPION in open_arms:
        return CHAMPION
    if any(facts.arms.get(arm) for arm in open_arms):
        return control_of({arm: facts.arms.get(arm, 0.0) for arm in open_arms})
    return max(open_arms, key=lambda arm: by_arm[arm].clients, default=None)
