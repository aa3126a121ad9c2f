"""The call list as a file, written while it is read."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from endpoints.csv_cells import csv_lines
from endpoints.reason_bars import in_words
from services.call_list import Entry
from services.row_reasons import SHOWN

COLUMNS = (
    "client_id",
    "prediction",
    "money_at_risk",
    "ltv",
    "expected_saving",
    "scored_at",
    "model",
    "reasons",
    "action",
    "advice",
    "prediction_id",
)


def file_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """One line a client, after the names of the columns."""
    return csv_lines(COLUMNS, (_cells(entry) for entry in entries))


def _cells(entry: Entry) -> Sequence[Any]:
    row = entry.row
    return (
        row.client_id,
        row.prediction,
        row.money_at_risk,
        row.ltv,
        entry.expected_saving,
        row.answered_at.isoformat(),
        f"{row.model}@{row.model_version}",
        in_words(entry.reasons.found[:SHOWN]) or entry.reasons.missing,
        entry.suggestion.kind,
        entry.suggestion.advice,
        row.prediction_id,
    )
