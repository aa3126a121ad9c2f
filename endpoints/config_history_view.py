"""What the page of the configuration's history shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.config_change_view import Changed, changes_in_words
from endpoints.config_form import said
from endpoints.entered import Entered
from services.config.history import SQL, Revision


@dataclass(frozen=True, slots=True)
class Past:
    """A revision. `typed`: somebody wrote it in SQL. `refused` says why it never came into force, `entered` is what
    was typed into the form that brings it back, and what is wrong with it."""

    revision: int
    at: datetime
    author: str
    reason: str
    changed: Sequence[Changed]
    refused: str
    typed: bool
    newest: bool
    entered: Entered


@dataclass(frozen=True, slots=True)
class HistoryView:
    """`more` is how many would be shown next; 0 when these are all."""

    rows: Sequence[Past]
    more: int
    stray: str
    now: datetime


def history_view(
    found: Sequence[Revision], limit: int, step: int, now: datetime, asked: int | None, given: Entered
) -> HistoryView:
    """`given` was entered for the revision `asked`."""
    rows = [_past(each, each is found[0], given if each.revision == asked else Entered()) for each in found]
    shown = any(row.revision == asked for row in rows)
    return HistoryView(rows, limit + step if len(found) == limit else 0, "" if shown else given.complaint, now)


def _past(found: Revision, newest: bool, entered: Entered) -> Past:
    changed = changes_in_words([(each.key, each.old, each.new) for each in found.changes])
    typed = found.author == SQL
    refused = said(found.changes[0].key, found.refused) if found.refused else ""
    return Past(found.revision, found.at, found.author, found.reason or "", changed, refused, typed, newest, entered)
