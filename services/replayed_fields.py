"""An answer field by field: as the ledger has it, and as it comes out now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel

from data.prediction_log import LedgerRow
from experiments.plan import HOLDOUT
from modeling.features import input_warnings, values_of
from services.meaning import high_risk, money_at_risk, reasons
from services.scoring import Score
from services.snapshot import Serving

FROM_THE_ROW = ("prediction_id", "client_id", "config_revision", "ltv", "recent_times_id_seen", "response_time")
WITHOUT_A_SCORE = frozenset({"arm", "experiment", "model", "model_version", "cutoff"})
HELD_BACK = "not shown: the client is in the holdout"
WARNINGS_OF_THE_MOMENT = frozenset({"stale_value", "unavailable"})


@dataclass(frozen=True, slots=True)
class Compared:
    """One field. Numbers are the same when every bit is. `held_back` ones tell a score that nobody may see."""

    field: str
    stored: Any
    recomputed: Any
    held_back: bool = False

    @property
    def same(self) -> bool:
        return bool(self.stored == self.recomputed)

    def as_dict(self) -> dict[str, Any]:
        values = {"held_back": HELD_BACK} if self.held_back else {"stored": self.stored, "recomputed": self.recomputed}
        return {"field": self.field, "same": self.same, **values}


def compared(row: LedgerRow, data: BaseModel, scored: Score, serving: Serving) -> Iterator[Compared]:
    """Every field that can be recomputed. As many reasons are recomputed as the row has; a shadow that gave no score
    then is left out. Of the output, which repeats the columns, `output` shows what differs. Where the client is in the
    holdout, by the row or by the config, whatever tells a score is held back."""
    held_out = HOLDOUT in (row.arm, scored.arm)
    for field in _fields(row, data, scored, serving):
        empty = not field.stored and not field.recomputed and field.same
        yield replace(field, held_back=held_out and not empty and field.field not in WITHOUT_A_SCORE)


def _fields(row: LedgerRow, data: BaseModel, scored: Score, serving: Serving) -> Iterator[Compared]:
    answer = _answer(row, data, scored, serving)
    columns = {
        **answer,
        "experiment": _experiment(row, scored, serving),
        "high_risk": None if answer["high_risk"] is None else answer["high_risk"] == "yes",
        "cutoff": serving.config.proba_cutoff,
    }
    for name in ("arm", "experiment", "model", "model_version", "prediction", "high_risk", "cutoff", "money_at_risk"):
        yield Compared(name, getattr(row, name), columns[name])
    for number, pair in enumerate(zip_longest(row.output.get("reasons", []), answer["reasons"]), start=1):
        yield Compared(f"reason {number}", *pair)
    for ref in dict.fromkeys((*row.silent_scores, *scored.silent_scores)):
        if row.silent_scores.get(ref, 0) is not None:
            yield Compared(f"silent {ref}", row.silent_scores.get(ref), scored.silent_scores.get(ref))
    said = {name: value for name, value in row.output.items() if name in answer and name != "reasons"}
    odd = [name for name, value in said.items() if value != answer[name]]
    yield Compared("output", {name: said[name] for name in odd}, {name: answer[name] for name in odd})


def _answer(row: LedgerRow, data: BaseModel, scored: Score, serving: Serving) -> dict[str, Any]:
    """The output as it comes out now, with what is of the moment taken from the row."""
    probability = None if scored.held_out else scored.prediction.probability
    number = 0 if scored.held_out else len(row.output.get("reasons", []))
    return {
        **{name: getattr(row, name) for name in FROM_THE_ROW},
        "prediction": probability,
        "high_risk": high_risk(probability, serving.config.proba_cutoff),
        "money_at_risk": money_at_risk(probability, row.ltv),
        "arm": scored.arm,
        "model": scored.loaded.card.name,
        "model_version": scored.loaded.card.version,
        "reasons": reasons(scored.loaded.model, data, number),
        "warnings": [*input_warnings(serving.schema, values_of(data)), *_of_the_moment(row)],
    }


def _of_the_moment(row: LedgerRow) -> list[dict[str, Any]]:
    return [each for each in row.output.get("warnings", []) if each.get("code") in WARNINGS_OF_THE_MOMENT]


def _experiment(row: LedgerRow, scored: Score, serving: Serving) -> str | None:
    """Before there were layers, an answer was stamped with the experiment's name also where nothing was compared."""
    config = serving.config
    formerly = scored.experiment is None and not config.layers and not config.paused
    return config.experiment.name if formerly and row.experiment is not None else scored.experiment
