"""Files of customers to be scored, and what becomes of them."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

UNSTEADY = {"prediction_id", "recent_times_id_seen", "response_time"}
"""What two answers about the same customer may differ in."""


def customers(rows: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """So many customers with ids of their own, made of `rows` over and over."""
    return [{**rows[place % len(rows)], "client_id": f"c-{place:06}"} for place in range(number)]


def as_csv(found: Iterable[dict[str, Any]], separator: str = ",") -> str:
    kept = list(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(kept[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue()


def write_csv(path: Path, found: Iterable[dict[str, Any]]) -> Path:
    path.write_text(as_csv(found), encoding="utf-8")
    return path


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def steady(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in UNSTEADY}
