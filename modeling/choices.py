"""What the person who trains decides, what the table reader decided for them, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Overrides of the reader's guesses; a None or an empty tuple leaves the guess to the reader.

    `positive` is the value of the target that means "left"; `drop` names columns to leave out and `keep`
    columns that the reader would have left out. `strict` makes requests with a category that the table does not
    have an error, instead of a warning.
    """

    target: str | None = None
    id: str | None = None
    value: str | None = None
    positive: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """A column that the model does not read."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided: what about, what was chosen, and why (or how to choose otherwise)."""

    what: str
    chosen: str
    why: str
