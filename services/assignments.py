"""Which arm a client is in, told from the configuration alone: asking enrols nobody and leaves no trace."""

from dataclasses import asdict, dataclass
from typing import Any

from experiments.plan import HOLDOUT, plan
from services.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the client would meet now. In the holdout no model is named: what scores it silently is not told.

    `experiment` and `layer` are None outside of any; `shadow` are models as `name@version`.
    """

    client_id: str
    experiment: str | None
    layer: str | None
    arm: str
    model: str | None
    model_version: str | None
    shadow: list[str]
    holdout: bool
    config_revision: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def assignment(snapshot: Snapshot, client_id: str) -> Assignment:
    """The client's assignment under one snapshot; a pure function."""
    serving = snapshot.serving
    found = plan(serving.rules, client_id)
    held = found.arm == HOLDOUT
    card = None if held else serving.models[found.arm].card
    return Assignment(
        client_id=client_id,
        experiment=found.experiment,
        layer=found.layer,
        arm=found.arm,
        model=card.name if card else None,
        model_version=card.version if card else None,
        shadow=[serving.models[name].ref for name in serving.rules.shadow],
        holdout=held,
        config_revision=snapshot.revision,
    )
