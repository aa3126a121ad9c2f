"""A scored file as CSV, written while it is read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from data.dialect import chunks
from endpoints.answers_csv import COLUMNS, answer_cells, refused_cells
from endpoints.csv_cells import MARK, csv_lines
from services.answers import Answer


def scored_csv(answers: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One line for each row of the file, in its order; one that was refused has the reason among its notes.

    Some hundred lines at a time: each part of an answer is sent on its own.
    """
    return chain([MARK], map("".join, chunks(csv_lines(COLUMNS, map(_cells, answers)))))


def _cells(answer: dict[str, Any]) -> Sequence[Any]:
    if "error" in answer:
        return refused_cells(answer["client_id"], answer["error"])
    return answer_cells(Answer(**answer))
