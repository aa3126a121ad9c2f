"""What the page of the configuration shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data.config_change_store import Change
from data.config_store import ConfigRow
from endpoints.config_catalogue import GROUPS, POLICIES, RAILS, Group, Rail, Setting
from endpoints.config_fields import WAS, seen, values_of
from endpoints.config_form import Filled, Offers, bounds, said
from endpoints.config_words import title, words
from endpoints.score_bars import Bars
from services.config.history import SQL
from services.config.origins import Origins
from services.config.reading import RefusedRow
from services.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Origin:
    at: datetime
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A key with its value in words, where that came from, and its control. `edited`: the form has another value."""

    setting: Setting
    words: str
    origin: Origin | None
    bounds: str
    error: str
    edited: bool

    @property
    def key(self) -> str:
        return self.setting.key

    @property
    def open(self) -> bool:
        return self.edited or bool(self.error)


@dataclass(frozen=True, slots=True)
class Section:
    group: Group
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of the table that is not in force."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
class ConfigView:
    """The whole page. `change` is the one that is being edited; `waiting` says that the table has newer rows than this
    process follows."""

    sections: list[Section]
    form: Filled
    offers: Offers
    bars: Bars
    revision: int
    waiting: bool
    refused: list[Refused]
    under_way: Sequence[Change]
    now: datetime
    change: Change | None
    rails: tuple[Rail, ...] = RAILS

    @property
    def wrong(self) -> list[tuple[str, str, str]]:
        """Key, title and what is wrong, for the summary above the form."""
        return [(key, title(key), text) for key, text in self.form.errors.items()]

    @property
    def policies(self) -> dict[str, str]:
        return POLICIES


def sections(snapshot: Snapshot, found: Origins, form: Filled) -> list[Section]:
    values, entered = snapshot.config.model_dump(mode="json"), values_of(form.fields)
    return [Section(group, [_row(each, values, found, form, entered) for each in group.settings]) for group in GROUPS]


def refused_rows(refused: Sequence[RefusedRow]) -> list[Refused]:
    return [Refused(title(row.key), said(row.key, row.reason)) for row in refused]


def _row(setting: Setting, values: dict[str, object], found: Origins, form: Filled, entered: dict[str, object]) -> Row:
    key = setting.key
    edited = WAS + key in form.fields and entered[key] != seen(key, form.fields)
    origin = _origin(found.rows.get(key))
    return Row(setting, words(key, values[key]), origin, bounds(setting), form.errors.get(key, ""), edited)


def _origin(row: ConfigRow | None) -> Origin | None:
    return Origin(row.inserted_at, row.author or SQL, row.reason or "") if row else None
