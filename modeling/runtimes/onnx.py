"""Runs `model.onnx` by onnxruntime, in any number of threads and across a fork."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import: its telemetry thread breaks a fork

import numpy as np
import onnxruntime

from modeling.artifacts import GRAPH, TREES, Folder, ModelRefused
from modeling.card import Card
from modeling.explain import TreeExplainer
from modeling.lightgbm_trees import forest_of_text
from modeling.runtimes.encoded import Doubles, EncodedModel, Floats
from modeling.schema import TableSchema
from modeling.tabled import TabledExplainer, may_be_tabled

INPUT, PROBABILITY, CONTRIBUTIONS = "features", "probability", "contributions"
EXTERNAL_DATA = b"\x0a\x08location"  # how a graph spells the path of weights kept in another file


class OnnxModel(EncodedModel):
    """A graph with input `features` [N, F] and output `probability` [N].

    Reasons come from its second output `contributions` [N, F], or by tree SHAP from `trees.txt`.
    """

    def __init__(self, card: Card, schema: TableSchema, folder: Folder) -> None:
        super().__init__(card, schema)
        self._session = open_session(folder.file(GRAPH), folder.ref, len(schema.features))
        self._trees = _explainer(folder.file(TREES), len(schema.features)) if card.explainer == "trees" else None
        outputs = {output.name for output in self._session.get_outputs()}
        self._own = CONTRIBUTIONS in outputs

    def probabilities(self, matrix: Floats) -> Floats:
        result: Floats = self._session.run((PROBABILITY,), {INPUT: matrix})[0]
        return result

    def effects(self, row: Floats) -> Doubles | None:
        if self._trees is not None:
            return self._trees.explain(row)[:-1]
        found = self.effects_many(row[np.newaxis])
        return None if found is None else np.asarray(found[0])

    def effects_many(self, matrix: Floats) -> Doubles | None:
        if self._trees is not None:
            return self._trees.explain_many(matrix)[:, :-1]
        if not self._own:
            return None
        return np.asarray(self._session.run((CONTRIBUTIONS,), {INPUT: matrix})[0], np.float64)


def _explainer(text: bytes, features: int) -> TreeExplainer | TabledExplainer:
    trees = TreeExplainer(text, features)  # which says what is wrong with a text that it cannot read
    forest = forest_of_text(text.decode(), features)
    return TabledExplainer(forest) if may_be_tabled(forest) else trees


def open_session(graph: bytes, ref: str, features: int) -> onnxruntime.InferenceSession:
    """A session of one thread. Raises ModelRefused when the graph does not fit the schema."""
    if EXTERNAL_DATA in graph:
        raise ModelRefused(f"model {ref} is refused: {GRAPH} names a file outside the graph", "model")
    try:
        session = onnxruntime.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelRefused(f"model {ref} is refused: {GRAPH} cannot be opened: {error}", "model") from error
    _check(session, ref, features)
    return session


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check(session: onnxruntime.InferenceSession, ref: str, features: int) -> None:
    inputs = [(one.name, one.type, list(one.shape)[1:]) for one in session.get_inputs()]
    outputs = {one.name: one.type for one in session.get_outputs()}
    if inputs != [(INPUT, "tensor(float)", [features])] or outputs.get(PROBABILITY) != "tensor(float)":
        reason = f"{GRAPH} must take '{INPUT}' [N, {features}] and give '{PROBABILITY}' [N]"
        raise ModelRefused(f"model {ref} is refused: {reason}", "model")
