"""What the page of suggestions shows, gathered for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data.suggestion_store import Suggestion
from endpoints.schema_form import Choice
from endpoints.wording import label
from modeling.features import TableSchema
from services.suggestion_rules import LONGEST_ADVICE, nameable
from services.suggestions import BUILT_IN

EVERYBODY = "Everybody else"
_LABELS = {"id": "This suggestion", "feature": "Reason", "value": "Value", "kind": "Kind of action", "advice": "Advice"}


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    """`id` is None for the sentence that is built in; `stale` where no client can have the reason any more."""

    id: int | None
    whom: str
    kind: str
    advice: str
    stale: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """The form: text as HTML has it, and what is wrong, by field."""

    id: str = ""
    feature: str = ""
    value: str = ""
    kind: str = "call"
    advice: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, name: str) -> str:
        """What is wrong with that field, as a sentence, or nothing."""
        return f"{_LABELS[name]} {self.errors[name]}." if name in self.errors else ""

    @property
    def problem(self) -> str:
        """What is wrong with the form, or nothing."""
        if "id" in self.errors:
            return f"Nothing was saved. {self.wrong('id')}"
        named = ", ".join(_LABELS[name] for name in self.errors)
        return f"Nothing was saved. Look again at: {named}." if named else ""


@dataclass(frozen=True, slots=True)
class SuggestionsView:
    rows: Sequence[SuggestionRow]
    features: Sequence[Choice]
    kinds: Sequence[str]
    draft: Draft
    notice: str
    longest_advice: int = LONGEST_ADVICE


def suggestions_view(table: Sequence[Suggestion], schema: TableSchema, draft: Draft, notice: str) -> SuggestionsView:
    names = {feature.name for feature in schema.features}
    rows = [_row(each, each.feature is not None and each.feature not in names) for each in table]
    if all(each.feature is not None for each in table):
        rows.append(_row(BUILT_IN, False))
    kinds = sorted({each.kind for each in (*table, BUILT_IN)})
    return SuggestionsView(rows, _features(schema, draft), kinds, draft, notice)


def draft_of(row: Suggestion) -> Draft:
    return Draft(str(row.id), row.feature or "", row.value or "", row.kind, row.advice)


def whom(row: Suggestion) -> str:
    """Whom it is for: `Contract is Monthly`, `Support calls`, or everybody else."""
    if row.feature is None:
        return EVERYBODY
    return f"{label(row.feature)} is {row.value}" if row.value else label(row.feature)


def _row(row: Suggestion, stale: bool) -> SuggestionRow:
    return SuggestionRow(row.id, whom(row), label(row.kind), row.advice, stale)


def _features(schema: TableSchema, draft: Draft) -> list[Choice]:
    """The features of the model in charge, and the one that the suggestion was made for under an earlier model."""
    names = [feature.name for feature in nameable(schema)]
    odd = [draft.feature] if draft.feature and draft.feature not in names else []
    return [Choice("", EVERYBODY), *(Choice(name, label(name)) for name in (*odd, *names))]
