"""One algorithm from settings to a folder's files, checked against its trainer row by row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.errors import UserError
from modeling.artifacts import SCHEMA, Folder
from modeling.calibration import Calibration
from modeling.candidates.base import Candidate, Settings
from modeling.card import Card
from modeling.parts import Table
from modeling.runtimes.encoded import EncodedModel
from modeling.runtimes.opening import open_model

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TOLERANCE = 1e-6
CHUNK = 20_000


class ParityError(UserError):
    """The exported model does not answer like the trained one."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model as it will be served; `parity` is its largest distance from the trainer over all rows."""

    candidate: Candidate
    settings: Settings
    calibration: Calibration
    card: Card
    files: dict[str, bytes]
    served: EncodedModel
    parity: float


def fit(candidate: Candidate, settings: Settings, calibration: Calibration, table: Table, learn: Flags) -> Fit:
    """Learns from the rows `learn` and checks every row. Raises ParityError when the served answers differ."""
    trained = candidate.fit(table.x[learn], table.y[learn], settings, table.schema)
    if calibration.needed:
        trained = trained.calibrated(calibration.slope, calibration.intercept)
    exported = trained.export(table.x[learn])
    card = Card(
        name=candidate.algorithm,
        version="1",
        runtime=trained.runtime,
        explainer=trained.explainer,
        base=exported.base,
    )
    files = {**exported.files, SCHEMA: table.schema.to_json().encode()}
    served = open_model(card, table.schema, Folder(card.name, card.version, files, ""))
    answers = (trained.probabilities(part) for part in _chunks(table))
    parity = max(_distance(own, served, part) for own, part in zip(answers, _chunks(table), strict=True))
    if not parity <= TOLERANCE:
        raise ParityError(
            f"{candidate.algorithm} is refused: the exported model differs from the trained one by up to "
            f"{parity:.1e}, {TOLERANCE:.0e} is allowed; train without it, or on columns of a smaller range"
        )
    return Fit(candidate, settings, calibration, card, files, served, parity)


def _chunks(table: Table) -> list[npt.NDArray[np.float32]]:
    return [table.x[start : start + CHUNK] for start in range(0, len(table), CHUNK)]


def _distance(own: Doubles, served: EncodedModel, part: npt.NDArray[np.float32]) -> float:
    return float(np.abs(served.probabilities(part) - own).max())
