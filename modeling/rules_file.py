"""Reads `rules.json`, and believes only a table that is whole."""

from math import prod

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpers.errors import UserError
from modeling.rule_cells import MOST_BINS, MOST_COLUMNS, Column, Rule
from modeling.rules import RuleTable


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    columns: tuple[Column, ...] = Field(max_length=MOST_COLUMNS)
    rules: tuple[Rule, ...] = Field(min_length=1)


def read_rules(text: bytes) -> RuleTable:
    """The table written by `to_json`. Raises UserError unless every cell has exactly one rule."""
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"rules.json cannot be read: {error.errors()[0]['msg']}; train again") from error
    table = RuleTable(document.columns, document.rules)
    whole = set(np.ndindex(table.shape)) if prod(table.shape) <= MOST_BINS**MOST_COLUMNS else set()
    if {rule.bins for rule in table.rules} != whole or len(table.rules) != len(whole):
        raise UserError("rules.json does not hold one rule for each cell; train again")
    if not sum(rule.rows for rule in table.rules) or any(c.missing >= c.bins for c in table.columns):
        raise UserError("rules.json does not fit together; train again")
    return table
