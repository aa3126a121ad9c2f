"""Makes a model of a folder's files, by the runtime that its card names."""

from collections.abc import Callable, Mapping

from modeling.artifacts import CARD, Folder, ModelRefused
from modeling.card import Card
from modeling.runtimes.encoded import EncodedModel
from modeling.runtimes.heuristic import HeuristicModel
from modeling.runtimes.onnx import OnnxModel
from modeling.schema import TableSchema

RUNTIMES: Mapping[str, Callable[[Card, TableSchema, Folder], EncodedModel]] = {
    "onnx": OnnxModel,
    "heuristic": HeuristicModel,
}


def open_model(card: Card, schema: TableSchema, folder: Folder) -> EncodedModel:
    """Raises ModelRefused when the card is of another model, or a file cannot be served."""
    if card.ref != folder.ref:
        raise ModelRefused(f"model {folder.ref} is refused: {CARD} is of another model ({card.ref})", "model")
    if card.runtime not in RUNTIMES:
        raise ModelRefused(f"model {folder.ref} is refused: {CARD} names no known runtime ({card.runtime})", "model")
    return RUNTIMES[card.runtime](card, schema, folder)
