"""What to do about a client: the advice that the retention team wrote for the reason that weighs most."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from data import suggestion_store
from data.suggestion_store import Suggestion
from helpers.clock import Clock
from modeling.features import TableSchema
from services import audit
from services.suggestion_rules import SuggestionRefused, checked, spelled

BUILT_IN = Suggestion(None, None, None, "call", "Call, ask how things are going, and listen for what would help.")
GONE = "was deleted meanwhile"


def suggest(table: Sequence[Suggestion], reasons: Iterable[Mapping[str, Any]]) -> Suggestion:
    """The row of the strongest reason that raises the risk and has one, the one for its value before the one for any;
    else the row for everybody else, or the sentence that is built in. `reasons`: the strongest first."""
    rows = {(row.feature, row.value): row for row in reversed(table)}
    for reason in reasons:
        if reason["effect"] > 0:
            feature = reason["feature"]
            found = rows.get((feature, spelled(reason["value"]))) or rows.get((feature, None))
            if found:
                return found
    return rows.get((None, None), BUILT_IN)


def listed(engine: Engine) -> list[Suggestion]:
    """All that are stored. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        return suggestion_store.list_all(connection)


def save(engine: Engine, clock: Clock, schema: TableSchema, author: str, row: Suggestion) -> Suggestion:
    """Adds or changes a suggestion, written down in the audit log, and gives it as it is stored.

    Raises SuggestionRefused, SQLAlchemyError.
    """
    wanted = checked(schema, row)

    def write(connection: Connection, stored: Sequence[Suggestion]) -> tuple[str, Suggestion]:
        _refuse_twin(stored, wanted)
        suggestion_id = suggestion_store.put(connection, wanted)
        kept = Suggestion(suggestion_id, wanted.feature, wanted.value, wanted.kind, wanted.advice)
        return ("suggestion_added" if wanted.id is None else "suggestion_changed"), kept

    return _written(engine, clock, author, wanted.id, write)


def delete(engine: Engine, clock: Clock, author: str, suggestion_id: int) -> Suggestion:
    """Deletes a suggestion, written down in the audit log, and gives what it was.

    Raises SuggestionRefused, SQLAlchemyError.
    """

    def write(connection: Connection, stored: Sequence[Suggestion]) -> tuple[str, Suggestion]:
        suggestion_store.remove(connection, suggestion_id)
        return "suggestion_deleted", next(row for row in stored if row.id == suggestion_id)

    return _written(engine, clock, author, suggestion_id, write)


def _written(
    engine: Engine,
    clock: Clock,
    author: str,
    suggestion_id: int | None,
    write: Callable[[Connection, Sequence[Suggestion]], tuple[str, Suggestion]],
) -> Suggestion:
    with engine.begin() as connection:
        suggestion_store.take_turn(connection)
        stored = suggestion_store.list_all(connection)
        if suggestion_id is not None and all(row.id != suggestion_id for row in stored):
            raise SuggestionRefused({"id": GONE})
        act, row = write(connection, stored)
        details = {"feature": row.feature or "", "value": row.value or "", "kind": row.kind, "advice": row.advice}
        audit.note(connection, clock.now(), author, act, f"suggestion {row.id}", **details)
        return row


def _refuse_twin(stored: Sequence[Suggestion], wanted: Suggestion) -> None:
    for row in stored:
        if (row.feature, row.value) == (wanted.feature, wanted.value) and row.id != wanted.id:
            raise SuggestionRefused({"feature": "has such a suggestion already: change that one"})
