"""What the Predict page shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from endpoints.answer_rows import ORDERS, Order, Row, rows
from endpoints.answers_csv import seal
from endpoints.client_ids import MOST_IDS
from endpoints.schema_form import Field
from endpoints.wording import label, money
from services.answers import Answer
from services.client_scores import Unscored
from services.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table; `sorted` is the value of aria-sort."""

    label: str
    kind: str = ""
    sorts: bool = True
    sorted: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The part with the results. `money` sums what is known; `sealed` is what the CSV is made from."""

    rows: Sequence[Row]
    unscored: Sequence[Unscored]
    columns: Sequence[Column]
    cutoff: float
    sealed: str

    @property
    def asked(self) -> int:
        return len(self.rows) + len(self.unscored)

    @property
    def scored(self) -> int:
        return sum(row.kind == "scored" for row in self.rows)

    @property
    def high(self) -> int:
        return sum(row.high for row in self.rows)

    @property
    def money(self) -> float:
        return sum(row.money or 0.0 for row in self.rows)

    @property
    def sentence(self) -> str:
        """The outcome for a screen reader."""
        return f"{self.scored} of {self.asked} scored, {self.high} at high risk, {money(self.money)} at risk."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in force, for the head of the page."""

    champion: str
    cutoff: float
    revision: int


@dataclass(frozen=True, slots=True)
class View:
    """The whole page: one of its two tabs, what was entered there, and what came of it."""

    facts: Facts
    tab: Literal["ids", "what-if"]
    ids_text: str = ""
    order: str = ORDERS[0].name
    pick_note: str = ""
    client_id: str = ""
    client_id_error: str = ""
    fields: Sequence[Field] = ()
    problem: str = ""
    outcome: Outcome | None = None
    orders: Sequence[Order] = ORDERS
    most: int = MOST_IDS


def facts(snapshot: Snapshot) -> Facts:
    card = snapshot.serving.champion.card
    return Facts(f"{label(card.name)} {card.version}", snapshot.config.proba_cutoff, snapshot.revision)


def outcome(answers: Sequence[Answer], unscored: Sequence[Unscored], order: Order, cutoff: float) -> Outcome:
    return Outcome(rows(answers, order), unscored, _columns(order), cutoff, seal(answers, unscored))


def _columns(order: Order) -> list[Column]:
    def sorts(label: str, kind: str = "") -> Column:
        return Column(label, kind, sorted="descending" if label == order.column else "")

    return [
        sorts("Client"),
        sorts("Probability of leaving"),
        sorts("Money at risk", "right"),
        sorts("Lifetime value", "right"),
        Column("Why", "why", sorts=False),
        Column("Scored by", sorts=False),
    ]
