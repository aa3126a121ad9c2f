"""Answers as a CSV file that a spreadsheet opens without running anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from endpoints.csv_cells import MARK, csv_lines
from endpoints.problems import field_problem
from endpoints.reason_bars import in_words
from services.answers import Answer
from services.client_scores import Unscored

COLUMNS = (
    "client_id",
    "prediction",
    "high_risk",
    "ltv",
    "money_at_risk",
    "recent_times_id_seen",
    "arm",
    "model",
    "model_version",
    "config_revision",
    "prediction_id",
    "reasons",
    "notes",
)


def seal(answers: Sequence[Answer], unscored: Sequence[Unscored]) -> str:
    """The answers on a page, for the page to post back when they are to be downloaded: the very ones, and
    without asking again, which would be recorded as another prediction."""
    lines = [answer_cells(answer) for answer in answers]
    lines += [refused_cells(each.client_id, each.detail) for each in unscored]
    return str(_serializer().dumps(lines))


def answer_cells(answer: Answer) -> list[Any]:
    """An answer under `COLUMNS`."""
    line = _line(answer)
    return [line.get(name) for name in COLUMNS]


def refused_cells(client_id: str | None, detail: str) -> list[Any]:
    """A client without an answer under `COLUMNS`, and why."""
    line = {"client_id": client_id, "notes": detail}
    return [line.get(name) for name in COLUMNS]


def unsealed_csv(sealed: str) -> str:
    """The file for what `seal` gave. Raises Problem 422 for anything else."""
    try:
        lines = _serializer().loads(sealed)
    except BadData:
        raise field_problem("answers", "is not a list that this service made; predict again") from None
    return MARK + "".join(csv_lines(COLUMNS, lines))


def _line(answer: Answer) -> Mapping[str, Any]:
    found = answer.as_dict()
    held = answer.prediction is None
    hidden = {"model": None, "model_version": None, "notes": "in the holdout: no score is shown"}
    words = {"reasons": in_words(answer.reasons), "notes": "; ".join(w["message"] for w in answer.warnings)}
    return {**found, **words, **(hidden if held else {})}


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="answers on a page")
