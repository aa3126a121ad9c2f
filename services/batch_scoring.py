"""Scores whole tables, without a web request: the same model, schema and reading of cells."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from helpers.errors import UserError
from modeling.reading import Source
from modeling.registry import LoadedModel
from modeling.runtimes.encoded import EncodedModel
from modeling.table_encoding import EncodedTable, encode_table

ROWS_A_RUN = 50_000


@dataclass(frozen=True, slots=True)
class Scored:
    """A table of the id column, `probability`, `high_risk` (yes, no) and `model`; no score where a request would
    have been refused. `missing` and `unknown` count, by feature, what the model had to guess around."""

    table: pa.Table
    rows: int
    refused: int
    missing: dict[str, int]
    unknown: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("rows", "refused", "missing", "unknown")}


def score_table(source: Source, loaded: LoadedModel, cutoff: float) -> Scored:
    """Raises UserError when a column is missing, or when the model is not one that was trained here."""
    if not isinstance(loaded.model, EncodedModel):
        raise UserError(f"{loaded.ref} keeps no folder of its own and scores request by request only", "model")
    found = encode_table(source.table, loaded.schema)
    probability = _probabilities(loaded.model, found)
    refused = ~found.scorable
    columns = {
        **_ids(source.table, loaded.schema.id),
        "probability": pa.array(probability, mask=refused),
        "high_risk": pa.array(np.where(probability >= cutoff, "yes", "no"), mask=refused),
        "model": pa.array([loaded.ref] * len(probability)),
    }
    return Scored(pa.table(columns), len(probability), int(refused.sum()), found.missing, found.unknown)


def _probabilities(model: EncodedModel, found: EncodedTable) -> npt.NDArray[np.float32]:
    starts = range(0, len(found.x), ROWS_A_RUN)
    return np.concatenate([model.probabilities(found.x[start : start + ROWS_A_RUN]) for start in starts])


def _ids(table: pa.Table, name: str) -> dict[str, Any]:
    """The id column, or the number of each row where the table has none."""
    return {name: table[name]} if name in table.column_names else {"row": pa.array(range(1, table.num_rows + 1))}
