"""What LightGBM's and CatBoost's models have in common: they are forests."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from modeling.additive import additive_of
from modeling.artifacts import GRAPH, TREES
from modeling.candidates.base import Doubles, Exported, Fitted, Floats
from modeling.explain import TreeExplainer
from modeling.forest import Forest
from modeling.graph import additive_graph, forest_graph
from modeling.metrics import sigmoid
from modeling.tree_text import tree_text


@dataclass(frozen=True, slots=True)
class FittedTrees(Fitted):
    """`raw` is the trainer's own log-odds, `forest` the same trees as read from its export."""

    raw: Callable[[Floats], Doubles]
    forest: Forest
    slope: float = 1.0
    intercept: float = 0.0

    runtime = "onnx"
    explainer: ClassVar[Literal["graph", "trees"]] = "trees"

    def probabilities(self, x: Floats) -> Doubles:
        return sigmoid(self.raw(x) * self.slope + self.intercept)

    def calibrated(self, slope: float, intercept: float) -> "FittedTrees":
        return replace(self, slope=slope * self.slope, intercept=slope * self.intercept + intercept)

    def export(self, x: Floats) -> Exported:
        forest = self.forest.scaled(self.slope, self.intercept)
        trees = tree_text(forest)
        base = float(TreeExplainer(trees, forest.features).explain(x[0])[-1])
        return Exported({GRAPH: forest_graph(forest), TREES: trees}, base)


@dataclass(frozen=True, slots=True)
class FittedSteps(FittedTrees):
    """Trees of one column each: the graph itself gives the contributions."""

    explainer = "graph"

    def export(self, x: Floats) -> Exported:
        model = additive_of(self.forest.scaled(self.slope, self.intercept), x)
        return Exported({GRAPH: additive_graph(model)}, model.base)
