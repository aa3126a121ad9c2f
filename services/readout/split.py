"""Whether clients reach the arms by the configured shares."""

from collections.abc import Mapping

from experiments.statistics import SRM_ALPHA, mismatch
from services.readout.parts import MismatchReadout
from services.readout.wording import percent, together

SPLIT_BROKEN = "the split is broken: clients do not reach the arms by the configured shares, so nothing is decided"


def split_of(arms: Mapping[str, float], clients: Mapping[str, int]) -> MismatchReadout | None:
    """None where the shares are not known, or there is one arm alone."""
    shares = {arm: share for arm, share in arms.items() if share > 0}
    if len(shares) < 2:
        return None
    counts = {arm: clients.get(arm, 0) for arm in shares}
    p_value = mismatch(counts, shares)
    alarm = p_value < SRM_ALPHA
    return MismatchReadout(p_value, alarm, counts, shares, _sentence(counts, shares, alarm))


def _sentence(counts: Mapping[str, int], shares: Mapping[str, float], alarm: bool) -> str:
    whole = sum(counts.values())
    seen = together([f"{percent(counts[arm] / whole if whole else 0)} {arm}" for arm in shares])
    wanted = together([f"{percent(share)} {arm}" for arm, share in shares.items()])
    if alarm:
        return f"clients should reach the arms as {wanted}, and reach them as {seen}, which chance does not do."
    return f"Clients reach the arms as {seen}, as is to be expected of {wanted}."
