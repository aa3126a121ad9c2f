"""From the rows of the config table to the newest configuration that holds together."""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from data.config_store import ConfigRow
from services.config.definitions import KEYS_OF_EXPERIMENTS, redefined
from services.config.model import KEYS, ConfigRefused, LiveConfig, parse_config

Built = TypeVar("Built")
Stacks = dict[str, list[ConfigRow]]
Newest = dict[str, ConfigRow]
FIRST_DEPTH, DEEPER = 50, 10
TOGETHER = "changed together with a row that was refused"
_EVER = sys.maxsize


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is in the table but not in force."""

    id: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[Built]):
    """What was built of `rows`; `revision` is the id of the newest of them, in force or not."""

    built: Built
    revision: int
    refused: tuple[RefusedRow, ...]
    rows: Sequence[ConfigRow]


def read_config(rows: Sequence[ConfigRow], build: Callable[[LiveConfig], Built]) -> Reading[Built]:
    """The newest row of each key, as a whole that `build` accepts and that leaves known experiments as they are.

    `rows` come newest first. Where the whole is refused, the newest change to any key at fault is set
    aside, with every row of the same revision, and the rest is tried again: so the processes of a
    fleet, and one that restarts, agree on what is in force whatever someone typed. Raises ConfigRefused
    when nothing is left to set aside.
    """

    return _History(rows, build).reading(before=_EVER)


class _History(Generic[Built]):
    """What the table had in force before any of its rows. Each state is worked out once, from those before it."""

    def __init__(self, rows: Sequence[ConfigRow], build: Callable[[LiveConfig], Built]) -> None:
        self._rows = rows
        self._build = build
        self._known: dict[int, Reading[Built] | None] = {}

    def reading(self, before: int) -> Reading[Built]:
        """The state as it was before the row of that id. Raises ConfigRefused."""
        rows = [row for row in self._rows if row.id < before]

        def build_unchanged(config: LiveConfig, newest: Newest) -> Built:
            built = self._build(config)
            problems = redefined(newest, rows, self._was_in_force)
            if problems:
                raise ConfigRefused(problems)
            return built

        return _newest_whole(rows, build_unchanged)

    def _was_in_force(self, row: ConfigRow, before: int) -> bool:
        """Whether `row` was in force when one of the rows of its key that followed was written, up to `before`."""
        later = [each.id for each in self._rows if each.key == row.key and row.id < each.id < before]
        return any(self._in_force_until(end, row) for end in [*reversed(later), before])

    def _in_force_until(self, end: int, row: ConfigRow) -> bool:
        found = self._state(end)
        if found is None:
            return False
        refused = {each.id for each in found.refused}
        return row == next((each for each in found.rows if each.key == row.key and each.id not in refused), None)

    def _state(self, end: int) -> Reading[Built] | None:
        if end not in self._known:
            try:
                self._known[end] = self.reading(end)
            except ConfigRefused:
                self._known[end] = None
        return self._known[end]


def _newest_whole(rows: Sequence[ConfigRow], build: Callable[[LiveConfig, Newest], Built]) -> Reading[Built]:
    stacks = _stacks(rows)
    refused: list[RefusedRow] = []
    while True:
        newest = {key: stack[-1] for key, stack in stacks.items() if stack}
        try:
            built = build(parse_config({key: row.value for key, row in newest.items()}), newest)
        except ConfigRefused as error:
            at_fault = [newest[key] for key in error.problems if key in newest]
            if not at_fault:
                raise
            refused += _set_aside(stacks, max(at_fault, key=lambda row: row.id), error.problems)
            continue
        revision = max((row.id for row in rows), default=0)
        return Reading(built, revision, (*_unknown(rows, newest), *refused), rows)


def read_table(rows_at: Callable[[int], list[ConfigRow]], build: Callable[[LiveConfig], Built]) -> Reading[Built]:
    """`read_config` over as many rows as it takes; `rows_at(n)` gives the newest n rows of each key.

    Where all the rows read of a key are refused, older ones are looked at: whoever types a bad value over
    and over does not thereby bring a default back. Of experiments all rows are. Raises ConfigRefused.
    """
    depth, rows = FIRST_DEPTH, rows_at(FIRST_DEPTH)
    while True:
        found = _attempt(rows, build)
        if isinstance(found, Reading) and not (_overrun(rows, found) or _cut_off(rows, depth)):
            return found
        depth *= DEEPER
        deeper = rows_at(depth)
        if len(deeper) > len(rows):
            rows = deeper
        elif isinstance(found, Reading):
            return found
        else:
            raise found


def _attempt(rows: Sequence[ConfigRow], build: Callable[[LiveConfig], Built]) -> Reading[Built] | ConfigRefused:
    try:
        return read_config(rows, build)
    except ConfigRefused as error:
        return error


def _overrun(rows: Sequence[ConfigRow], reading: Reading[Built]) -> bool:
    """Whether some key has no row left in force."""
    refused = {row.id for row in reading.refused}
    standing = {row.key for row in rows if row.id not in refused}
    return any(row.key not in standing for row in reading.refused)


def _cut_off(rows: Sequence[ConfigRow], depth: int) -> bool:
    """Whether older experiments may have been left unread."""
    return any(sum(row.key == key for row in rows) >= depth for key in KEYS_OF_EXPERIMENTS)


def _stacks(rows: Sequence[ConfigRow]) -> Stacks:
    """The rows of each known key, the newest last."""
    stacks: Stacks = defaultdict(list)
    for row in reversed(rows):
        if row.key in KEYS:
            stacks[row.key].append(row)
    return stacks


def _set_aside(stacks: Stacks, row: ConfigRow, problems: dict[str, str]) -> list[RefusedRow]:
    """Takes the row away, with those changed together with it."""
    if row.revision is None:
        stacks[row.key].pop()
        return [RefusedRow(row.id, row.key, problems[row.key])]
    gone = [each for stack in stacks.values() for each in stack if each.revision == row.revision]
    for key, stack in stacks.items():
        stacks[key] = [each for each in stack if each.revision != row.revision]
    return [RefusedRow(each.id, each.key, problems.get(each.key, TOGETHER)) for each in gone]


def _unknown(rows: Sequence[ConfigRow], newest: dict[str, ConfigRow]) -> list[RefusedRow]:
    """Misspelt keys, until any good row follows."""
    last_good = max((row.id for row in newest.values()), default=0)
    return [RefusedRow(r.id, r.key, "unknown key") for r in rows if r.key not in KEYS and r.id > last_good]
