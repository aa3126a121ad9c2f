"""The served graph of a forest: input `features` [N, F], output `probability` [N], all 32-bit.

One `TreeEnsembleRegressor` (ONNX operator set ai.onnx.ml 3) and a sigmoid. A forest whose trees use one
column each has a second output, `contributions` [N, F]: each column's own tree of steps, centred.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, checker, helper

from modeling.additive import Additive, step_tree
from modeling.forest import Forest, Tree

OPERATORS = [("", 15), ("ai.onnx.ml", 3)]
INTERNAL_VERSION = 8


_NODE_FIELDS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_values",
    "nodes_missing_value_tracks_true",
)
_LEAF_FIELDS = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
_ENDING = (
    helper.make_node("Sigmoid", ["score"], ["column"]),
    helper.make_node("Reshape", ["column", "flat"], ["probability"]),
)


@dataclass(slots=True)
class _Attributes:
    """The flat arrays in which the operator keeps all trees."""

    nodes: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _NODE_FIELDS})
    leaves: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _LEAF_FIELDS})

    def add_tree(self, number: int, tree: Tree, target: int) -> None:
        inner = len(tree.feature)
        for node in range(inner):
            left, right = (_node_id(int(child), inner) for child in (tree.left[node], tree.right[node]))
            at = (int(tree.feature[node]), float(tree.threshold[node]), int(tree.nan_left[node]))
            self._add_node(number, node, "BRANCH_LEQ", left, right, *at)
        for leaf, value in enumerate(tree.value.tolist()):
            self._add_node(number, inner + leaf, "LEAF", 0, 0, 0, 0.0, 0)
            for name, item in zip(_LEAF_FIELDS, (number, inner + leaf, target, value), strict=True):
                self.leaves[name].append(item)

    def _add_node(self, *items: Any) -> None:
        for name, item in zip(_NODE_FIELDS, items, strict=True):
            self.nodes[name].append(item)

    def operator(self, output: str, targets: int, base: Sequence[float]) -> NodeProto:
        arrays: dict[str, Any] = {**self.nodes, **self.leaves}
        return helper.make_node(
            "TreeEnsembleRegressor",
            ["features"],
            [output],
            domain="ai.onnx.ml",
            n_targets=targets,
            aggregate_function="SUM",
            post_transform="NONE",
            base_values=list(base),
            **arrays,
        )


def forest_graph(forest: Forest) -> bytes:
    """The graph of any forest."""
    return _finished([_sum(forest.trees, forest.bias), *_ENDING], forest.features, [])


def additive_graph(model: Additive) -> bytes:
    """The graph of an additive model, each column's steps one tree, with a target of its own beside the sum.

    The sum is the operator's, row by row. Reduced from the contributions, its last bit would depend on how many
    rows are asked about at once.
    """
    trees = [step_tree(steps, column) for column, steps in enumerate(model.steps)]
    attributes, count = _Attributes(), len(trees)
    for column, tree in enumerate(trees):
        attributes.add_tree(column, tree, column)
    contributions = helper.make_tensor_value_info("contributions", TensorProto.FLOAT, [None, count])
    terms = attributes.operator("contributions", count, [0.0] * count)
    return _finished([terms, _sum(trees, model.base), *_ENDING], count, [contributions])


def _sum(trees: Sequence[Tree], bias: float) -> NodeProto:
    attributes = _Attributes()
    for number, tree in enumerate(trees):
        attributes.add_tree(number, tree, 0)
    return attributes.operator("score", 1, [bias])


def _node_id(child: int, inner: int) -> int:
    return child if child >= 0 else inner - child - 1


def _finished(nodes: list[NodeProto], features: int, more: list[Any]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "holdfast",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None]), *more],
        [helper.make_tensor("flat", TensorProto.INT64, [1], [-1])],
    )
    opsets = [helper.make_opsetid(*operator) for operator in OPERATORS]
    model: ModelProto = helper.make_model(
        graph, opset_imports=opsets, ir_version=INTERNAL_VERSION, producer_name="holdfast"
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
