"""A rehearsal: golden customers under the configuration in force and under the candidate, side by side.

Nothing is recorded, and nobody is enrolled or counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.answers import Question
from services.config.candidate import Candidate
from services.config.golden import Golden, question
from services.meaning import high_risk
from services.scoring import Score, score
from services.snapshot import Serving

MOST_EXAMPLES = 50
Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """What went wrong for a client; None where it is not one client's."""

    client_id: str | None
    error: str


def rehearse(candidate: Candidate, customers: Sequence[Golden]) -> dict[str, Any]:
    """The report, as JSON: how many answers, arms and flags change, which, and every error under the candidate.

    Of the holdout only that a client is in it is told.
    """
    old, new = _unnoticed(candidate.before) if candidate.before else None, _unnoticed(candidate.after)
    usual = _questions(old, customers) if old else []
    asked = _questions(new, customers)
    before, _ = _answers(old, usual) if old else ({}, [])
    after, errors = _answers(new, asked)
    pairs = [(each, before.get(each), after[each]) for each in after]
    changed = [(each, old, new) for each, old, new in pairs if old != new]
    return {
        "base_revision": candidate.base,
        "changes": [asdict(each) for each in candidate.difference],
        "customers": len(after),
        "answers_changed": len(changed),
        "arms_changed": sum(old is None or old["arm"] != new["arm"] for _, old, new in changed),
        **_flags(pairs),
        "errors": [asdict(each) for each in [*errors, *_unfit(usual, asked)]],
        "examples": [{"client_id": each, "before": old, "after": new} for each, old, new in changed[:MOST_EXAMPLES]],
        "largest_move": max((_move(old, new) for _, old, new in changed), default=0.0),
    }


def _unnoticed(serving: Serving) -> Serving:
    """With models that neither keep nor count what they are asked."""
    models = {name: replace(loaded, model=loaded.plain) for name, loaded in serving.models.items()}
    return replace(serving, models=models)


def _flags(pairs: Sequence[tuple[str, Shown | None, Shown]]) -> dict[str, int]:
    """Clients without a flag, as in the holdout, are not at high risk."""
    flags = [(old is not None and old["high_risk"] == "yes", new["high_risk"] == "yes") for _, old, new in pairs]
    return {
        "high_risk_before": sum(old for old, _ in flags),
        "high_risk_after": sum(new for _, new in flags),
        "became_high": sum(new and not old for old, new in flags),
        "became_low": sum(old and not new for old, new in flags),
    }


def _move(old: Shown | None, new: Shown) -> float:
    if old is None or old["prediction"] is None or new["prediction"] is None:
        return 0.0
    return float(abs(new["prediction"] - old["prediction"]))


def _answers(serving: Serving, asked: Sequence[Question]) -> tuple[dict[str, Shown], list[Error]]:
    """What each client would be answered, and what went wrong."""
    failed: list[str] = []
    scores, errors = _scores(serving, asked, failed.append)
    shadows = [Error(None, f"the shadow {model} fails") for model in dict.fromkeys(failed)]
    cutoff = serving.config.proba_cutoff
    return {client_id: _shown(found, cutoff) for client_id, found in scores.items()}, [*errors, *shadows]


def _scores(
    serving: Serving, asked: Sequence[Question], shadow_failed: Callable[[str], None]
) -> tuple[dict[str, Score], list[Error]]:
    """All at once; where that fails, client by client, to find whose fault it is."""
    ids = [each.client_id for each in asked]
    try:
        return dict(zip(ids, score(serving, asked, shadow_failed), strict=True)), []
    except Exception:  # noqa: BLE001 - whatever it is, it is looked for client by client
        return _one_by_one(serving, asked)


def _one_by_one(serving: Serving, asked: Sequence[Question]) -> tuple[dict[str, Score], list[Error]]:
    scores, errors = {}, []
    for each in asked:
        try:
            (scores[each.client_id],) = score(serving, [each], lambda _model: None)
        except Exception as error:  # noqa: BLE001 - it is the report's to tell
            errors.append(Error(each.client_id, f"{type(error).__name__}: {error}"))
    return scores, errors


def _shown(found: Score, cutoff: float) -> Shown:
    probability = None if found.held_out else found.prediction.probability
    return {"arm": found.arm, "prediction": probability, "high_risk": high_risk(probability, cutoff)}


def _questions(serving: Serving, customers: Sequence[Golden]) -> list[Question]:
    return [each for each in (question(serving, customer) for customer in customers) if each]


def _unfit(before: Sequence[Question], after: Sequence[Question]) -> list[Error]:
    """Those that could be asked for and no longer can; of a row that never fitted, the change is innocent."""
    fit = {each.client_id for each in after}
    text = "the stored values do not fit the fields of the new champion"
    return [Error(each.client_id, text) for each in before if each.client_id not in fit]
