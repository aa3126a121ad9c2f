"""Whether the newest answers are about clients like those of the training, and how good their scores should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from data.monitoring_store import Seen, newest_answers
from experiments.drift import Shift, shift
from experiments.expected import Expected, expected_quality
from modeling.drift import Binned, features_binned, scores_binned
from modeling.registry import LoadedModel
from services.monitoring.traffic import PERCENTILES

MOST_ANSWERS = 5_000
WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Drifted:
    """Values of one feature, or the scores, then and now. `shift` is None where one side has no rows."""

    binned: Binned
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the newest `answers` show, from `since` to `until`. `clients` are counted once, by their newest answer;
    `features` come with the largest shift first. `promised` is the AUC on held-out rows of the training with its
    interval. `seconds` are the percentiles of the answers' response times, in the order of PERCENTILES."""

    model: str
    answers: int
    clients: int
    since: datetime | None
    until: datetime | None
    features: Sequence[Drifted]
    scores: Drifted | None
    expected: Expected | None
    promised: tuple[float, float, float] | None
    seconds: tuple[float, ...] | None

    @property
    def drifted(self) -> list[Drifted]:
        """What has shifted too far, the scores among it."""
        every = [*self.features, *([self.scores] if self.scores else [])]
        return [each for each in every if each.shift and each.shift.level == "large"]


def look_at_inputs(engine: Engine, champion: LoadedModel, now: datetime) -> Inputs:
    """Looks at the newest answers of the last days. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        seen = newest_answers(connection, now - WINDOW, MOST_ANSWERS)
    clients = list({each.client_id: each for each in reversed(seen)}.values())
    scores = [score for each in clients if (score := each.scores.get(champion.ref)) is not None]
    binned = scores_binned(champion.reference, scores)
    return Inputs(
        model=champion.ref,
        answers=len(seen),
        clients=len(clients),
        since=seen[-1].answered_at if seen else None,
        until=seen[0].answered_at if seen else None,
        features=_features(champion, [each.input for each in clients]),
        scores=_drifted(binned) if binned else None,
        expected=expected_quality(scores),
        promised=_promised(champion),
        seconds=_seconds(seen),
    )


def _features(champion: LoadedModel, rows: Sequence[Mapping[str, object]]) -> list[Drifted]:
    found = [_drifted(each) for each in features_binned(champion.schema, champion.reference, rows)]
    return sorted(found, key=lambda each: -each.shift.index if each.shift else 0.0)


def _drifted(binned: Binned) -> Drifted:
    both = sum(binned.before) and sum(binned.now)
    return Drifted(binned, shift(binned.before, binned.now) if both else None)


def _promised(champion: LoadedModel) -> tuple[float, float, float] | None:
    found = champion.card.metrics.get("roc_auc")
    return (found.mean, found.low, found.high) if found else None


def _seconds(seen: Sequence[Seen]) -> tuple[float, ...] | None:
    if not seen:
        return None
    return tuple(np.quantile([each.seconds for each in seen], PERCENTILES).tolist())
