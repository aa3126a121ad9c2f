"""What an experiment means, in one sentence for whoever has to decide."""

from collections.abc import Sequence

from experiments.statistics import MINIMUM_CLIENTS, MINIMUM_EVENTS
from services.readout.parts import ArmReadout, Comparison
from services.readout.wording import percent, points, together

Compared = tuple[ArmReadout, Comparison]

ALONE = "There is nothing to compare: all clients meet the same arm."
ALARM = (
    "Do not trust this experiment: its clients do not reach the arms by the configured shares, "
    "so something else than chance decides who meets which arm."
)
NOBODY = "No client has met this experiment yet."
EARLY = (
    f"Too early to tell: each arm needs {MINIMUM_CLIENTS} matured clients, of whom {MINIMUM_EVENTS} left and "
    f"{MINIMUM_EVENTS} stayed."
)


def winner_of(candidates: Sequence[ArmReadout]) -> str | None:
    """The arm that keeps most clients, of those whose interval lies below zero."""
    better = [(found.value, arm.arm) for arm, found in _compared(candidates) if found.finding == "better"]
    return min(better)[1] if better else None


def verdict(control: ArmReadout | None, candidates: Sequence[ArmReadout], *, alarm: bool, over: bool) -> str:
    """`over`: no more clients come."""
    if control is None or not candidates:
        return ALONE
    if alarm:
        return ALARM
    if not any(arm.clients for arm in (control, *candidates)):
        return NOBODY
    compared = _compared(candidates)
    return _finding(control, candidates, compared, "No winner" if over else "No winner yet") if compared else EARLY


def _finding(control: ArmReadout, candidates: Sequence[ArmReadout], compared: Sequence[Compared], lead: str) -> str:
    winner = winner_of(candidates)
    if winner is not None:
        return next(_beats(arm, control, found) for arm, found in compared if arm.arm == winner)
    still_open = [each for each in compared if each[1].finding == "undecided"]
    if still_open or len(compared) < len(candidates):
        return _undecided(control, still_open, lead)
    return _control_wins(control, compared)


def _compared(candidates: Sequence[ArmReadout]) -> list[Compared]:
    return [(arm, arm.difference) for arm in candidates if arm.difference is not None]


def _beats(arm: ArmReadout, control: ArmReadout, found: Comparison) -> str:
    return f"{arm.arm} keeps more clients than {control.arm}: {_rates(arm, control, found)}."


def _control_wins(control: ArmReadout, worse: Sequence[Compared]) -> str:
    if len(worse) == 1:
        ((arm, found),) = worse
        return f"{arm.arm} keeps fewer clients than {control.arm}: {_rates(arm, control, found)}."
    return f"{control.arm} keeps more clients than {together([arm.arm for arm, _ in worse])}."


def _undecided(control: ArmReadout, still_open: Sequence[Compared], lead: str) -> str:
    if not still_open:
        return f"{lead}: too few clients of some arms have matured."
    names = together([arm.arm for arm, _ in still_open])
    arm, found = min(still_open, key=lambda each: each[1].value)
    whose = "" if len(still_open) == 1 else f", for {arm.arm},"
    span = f"between {_either_way(found.low)} and {_either_way(found.high)}"
    return f"{lead}: {names} cannot be told from {control.arm}; the difference in leavers{whose} lies {span}."


def _rates(arm: ArmReadout, control: ArmReadout, found: Comparison) -> str:
    """`6.1% leave instead of 8.0%, a difference of 1.9 points (between 0.4 and 3.4)`."""
    low, high = sorted((abs(found.low), abs(found.high)))
    rates = f"{_rate(arm)} leave instead of {_rate(control)}"
    return f"{rates}, a difference of {points(found.value)} (between {100 * low:.1f} and {100 * high:.1f})"


def _rate(arm: ArmReadout) -> str:
    return percent(arm.churn_rate.value) if arm.churn_rate else "unknown"


def _either_way(difference: float) -> str:
    return f"{points(difference)} {'fewer' if difference < 0 else 'more'}"
