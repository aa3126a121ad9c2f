"""Serves the rule table of `rules.json`: what the team would do without a learned model."""

import numpy as np

from modeling.artifacts import RULES, Folder, ModelRefused
from modeling.card import Card
from modeling.rules_file import read_rules
from modeling.runtimes.encoded import Doubles, EncodedModel, Floats
from modeling.schema import TableSchema


class HeuristicModel(EncodedModel):
    """A look-up in at most three columns, with exact Shapley values."""

    def __init__(self, card: Card, schema: TableSchema, folder: Folder) -> None:
        super().__init__(card, schema)
        self._table = read_rules(folder.file(RULES))
        for column in self._table.columns:
            if column.position >= len(schema.names) or schema.names[column.position] != column.feature:
                raise ModelRefused(f"model {folder.ref} is refused: {RULES} does not fit the schema", "model")

    def probabilities(self, matrix: Floats) -> Floats:
        return self._table.probabilities(matrix).astype(np.float32)

    def probability(self, row: Floats) -> float:
        return self._table.probability(row.tolist())

    def effects(self, row: Floats) -> Doubles:
        effects = np.zeros(len(row))
        if self._table.columns:
            effects[[column.position for column in self._table.columns]] = self._table.effects(row)
        return effects
