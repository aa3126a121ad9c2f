"""What every algorithm gives the training: a search for settings, a fit, and the files to serve it from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from modeling.parts import Part
from modeling.plan import TrainingPlan
from modeling.schema import TableSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Settings = Mapping[str, Any]
Curve = Doubles  # mean validation loss after 1, 2, … trees


@dataclass(frozen=True, slots=True)
class Exported:
    """What goes into the folder, and the mean log-odds that reasons start from."""

    files: dict[str, bytes]
    base: float


class Fitted(ABC):
    """A trained model, still in the hands of its trainer."""

    runtime: ClassVar[Literal["onnx", "heuristic"]]
    explainer: ClassVar[Literal["graph", "trees", "rules"]]

    @abstractmethod
    def probabilities(self, x: Floats) -> Doubles:
        """The trainer's own answers, (N,): what the served ones must equal."""

    @abstractmethod
    def calibrated(self, slope: float, intercept: float) -> "Fitted":
        """The model whose log-odds are `slope * these + intercept`."""

    @abstractmethod
    def export(self, x: Floats) -> Exported:
        """The files to serve. Additive terms are centred over the training rows `x`."""


class Candidate(ABC):
    """An algorithm. All of them read the same 32-bit matrix of codes."""

    algorithm: str
    display_name: str
    description: str

    @abstractmethod
    def search(self, parts: Sequence[Part], plan: TrainingPlan) -> Settings:
        """The settings with the least log loss over the parts, the number of trees among them."""

    @abstractmethod
    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> Fitted:
        """The model trained on all rows given."""


def best_option(
    options: Sequence[Settings], curve: Callable[[Settings, Part], Curve], parts: Sequence[Part], threads: int
) -> Settings:
    """The option whose mean curve over the parts dips lowest, with the `trees` at which it does."""
    jobs = [(option, part) for option in options for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        curves = list(pool.map(lambda job: curve(*job), jobs))
    means = [_mean(curves[i : i + len(parts)]) for i in range(0, len(curves), len(parts))]
    best = min(range(len(options)), key=lambda i: float(means[i].min()))
    return {**options[best], "trees": int(means[best].argmin()) + 1}


def _mean(curves: Sequence[Curve]) -> Curve:
    """Curves that stopped early stay at their last value."""
    longest = max(len(curve) for curve in curves)
    padded = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves]
    return np.asarray(np.mean(padded, axis=0))
