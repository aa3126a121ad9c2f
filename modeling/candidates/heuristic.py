"""The rule of thumb that learned models have to beat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modeling.artifacts import RULES
from modeling.candidates.base import Candidate, Doubles, Exported, Fitted, Floats, Settings
from modeling.candidates.rule_search import Binned, find_columns
from modeling.candidates.rule_words import words
from modeling.metrics import log_odds, sigmoid
from modeling.parts import Part
from modeling.plan import TrainingPlan
from modeling.rule_cells import Rule
from modeling.rules import RuleTable
from modeling.schema import TableSchema

SMOOTHING = 10.0  # rows at the base rate that each cell is credited with


@dataclass(frozen=True, slots=True)
class FittedRules(Fitted):
    table: RuleTable

    runtime = "heuristic"
    explainer = "rules"

    def probabilities(self, x: Floats) -> Doubles:
        return self.table.probabilities(x)

    def calibrated(self, slope: float, intercept: float) -> "FittedRules":
        rates = sigmoid(log_odds(np.array([rule.probability for rule in self.table.rules])) * slope + intercept)
        pairs = zip(self.table.rules, rates.tolist(), strict=True)
        rules = tuple(rule.model_copy(update={"probability": rate}) for rule, rate in pairs)
        return FittedRules(replace(self.table, rules=rules))

    def export(self, x: Floats) -> Exported:
        return Exported({RULES: self.table.to_json()}, self.table.base)


class Heuristic(Candidate):
    algorithm = "heuristic"
    display_name = "Rule of thumb"
    description = "A small table of rates over at most three columns, as a team might keep it by hand."

    def search(self, parts: Sequence[Part], plan: TrainingPlan) -> Settings:
        return {}

    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> FittedRules:
        chosen = find_columns(schema.features, x, y)
        shape = tuple(binned.column.bins for binned in chosen)
        rules = tuple(_rule(cell, chosen, y, schema) for cell in np.ndindex(shape))
        return FittedRules(RuleTable(tuple(binned.column for binned in chosen), rules))


def _rule(cell: tuple[int, ...], chosen: list[Binned], y: Doubles, schema: TableSchema) -> Rule:
    inside = np.ones(len(y), np.bool_)
    for binned, place in zip(chosen, cell, strict=True):
        inside &= binned.places == place
    rows, leavers = int(inside.sum()), float(y[inside].sum())
    rate = (leavers + SMOOTHING * float(y.mean())) / (rows + SMOOTHING)
    said = [words(binned.column, place, schema) for binned, place in zip(chosen, cell, strict=True)]
    return Rule(bins=cell, when=" and ".join(said) or "always", probability=rate, rows=rows)
