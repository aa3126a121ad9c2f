"""The rows of the tables on the page of one experiment."""

from collections.abc import Sequence
from dataclasses import dataclass

from endpoints.experiments_wording import arm_name, points, points_span
from endpoints.interval_marks import Mark, Scale
from endpoints.wording import percent
from services.readout.parts import ArmReadout, Comparison, ModelQuality
from services.readout.reading import Readout

_FINDINGS = {"better": "fewer leave", "worse": "more leave", "undecided": "not decided"}


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm; `mark` is its difference to the control on the scale of all arms, None where there is none."""

    arm: ArmReadout
    name: str
    about: str
    control: bool
    mark: Mark | None
    finding: str


@dataclass(frozen=True, slots=True)
class QualityRow:
    """A model and how good its scores were on the clients of an arm."""

    arm: str
    model: str
    found: ModelQuality


@dataclass(frozen=True, slots=True)
class ShadowPair:
    """A silent model and the one that answered, on the same clients of `arm`."""

    arm: str
    silent_name: str
    silent: ModelQuality
    own_name: str
    own: ModelQuality


def arm_rows(readout: Readout, scale: Scale) -> list[ArmRow]:
    return [_arm_row(arm, arm.arm == readout.control, scale) for arm in readout.arms]


def quality_rows(arms: Sequence[ArmReadout]) -> list[QualityRow]:
    return [QualityRow(arm_name(arm.arm), _model(each, arm), each) for arm in arms for each in arm.quality]


def shadow_pairs(readout: Readout) -> list[ShadowPair]:
    return [
        ShadowPair(arm_name(each.arm), arm_name(each.silent.model), each.silent, arm_name(each.own.model), each.own)
        for each in readout.shadows
    ]


def _arm_row(arm: ArmReadout, control: bool, scale: Scale) -> ArmRow:
    name, found = arm_name(arm.arm), arm.difference
    mark = _mark(name, found, scale) if found else None
    return ArmRow(arm, name, _about(arm), control, mark, _FINDINGS[found.finding] if found else "")


def _mark(name: str, found: Comparison, scale: Scale) -> Mark:
    words = f"{name}: {points(found.value)} points, from {points_span(found.low, found.high)}"
    return scale.mark(found.low, found.value, found.high, found.finding, words)


def _about(arm: ArmReadout) -> str:
    """Its model and its share: `Gradient boosting 3, 50% of the clients`."""
    models = ", ".join(arm_name(model) for model in arm.models if model != arm.arm)
    share = "" if arm.share is None else f"{percent(arm.share)} of the clients"
    return ", ".join(part for part in (models, share) if part)


def _model(found: ModelQuality, arm: ArmReadout) -> str:
    """Empty where the arm goes by its name."""
    return "" if found.model == arm.arm else arm_name(found.model)
