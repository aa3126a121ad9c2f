"""Writes down what was trained: card, schema, reference statistics and pictures, ready for the folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.artifacts import CARD, PLOTS, REFERENCE
from modeling.card import Card, Drop
from modeling.dataset import Dataset
from modeling.effect_plot import effect_plot
from modeling.evaluate import CUTOFF_CRITERION, OutOfFold, best_cutoff, cross_validated, held_out_metrics
from modeling.fitting import Fit
from modeling.metrics import log_losses
from modeling.parts import Table
from modeling.plan import TrainingPlan
from modeling.plots import plots
from modeling.reference import reference

LIBRARIES = ("lightgbm", "catboost", "onnx", "onnxruntime", "numpy")
EXPLAINED_ROWS = 2_000

Naming = Callable[[str, bool], tuple[str, int]]
Ranked = Sequence[tuple[OutOfFold, Fit]]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trial:
    """The rows of one training, coded by the order that the rows `learn` (N,) gave, and when it began."""

    dataset: Dataset
    table: Table
    learn: Flags
    plan: TrainingPlan
    created_at: datetime
    started: float


@dataclass(frozen=True, slots=True)
class Described:
    """A model and every file of its folder but the manifest."""

    algorithm: str
    card: Card
    files: dict[str, bytes]


def describe(trial: Trial, ranked: Ranked, naming: Naming, tell: Callable[[str], None]) -> Iterator[Described]:
    """The models in the order given, the winner first."""
    names = [naming(made.candidate.algorithm, place == 0) for place, (_, made) in enumerate(ranked)]
    summaries = [_summary(trial, found, made, name) for (found, made), name in zip(ranked, names, strict=True)]
    for (found, made), (name, number) in zip(ranked, names, strict=True):
        card = _card(trial, found, made).model_copy(
            update={"name": name, "version": str(number), "candidates": summaries}
        )
        yield _described(trial, made, card)
        tell(f"{made.candidate.algorithm}: described")


def _described(trial: Trial, made: Fit, card: Card) -> Described:
    test = trial.table.rows(~trial.learn)
    scores = made.served.probabilities(test.x).astype(np.float64)
    effects = made.served.effects_many(test.x[:EXPLAINED_ROWS])
    means = [] if effects is None else np.abs(effects).mean(axis=0).tolist()
    found = {
        "metrics": held_out_metrics(test.y, scores, test.groups, trial.plan.resamples),
        "importance": dict(zip(test.schema.names, means, strict=False)),
        "training_seconds": round(perf_counter() - trial.started, 3),
    }
    card = card.model_copy(update=found)
    files = {
        **made.files,
        CARD: card.model_dump_json(indent=2).encode(),
        REFERENCE: reference(test.schema, trial.table.x[trial.learn], scores),
    }
    if trial.plan.plots:
        files |= {f"{PLOTS}/{name}.svg": body for name, body in plots(test.y, scores).items()}
        if effects is not None:
            files[f"{PLOTS}/effects.svg"] = effect_plot(test.schema, test.x[:EXPLAINED_ROWS], effects)
    return Described(made.candidate.algorithm, card, files)


def _card(trial: Trial, found: OutOfFold, made: Fit) -> Card:
    dataset, schema = trial.dataset, trial.table.schema
    y, learn = trial.table.y, trial.learn
    return made.card.model_copy(
        update={
            "created_at": trial.created_at.isoformat(),
            "algorithm": made.candidate.algorithm,
            "display_name": made.candidate.display_name,
            "description": made.candidate.description,
            "table": schema.table,
            "target": schema.target,
            "positive": schema.positive,
            "id": schema.id,
            "features": list(schema.names),
            "dropped": [Drop(column=one.column, reason=one.reason) for one in dataset.dropped],
            "decisions": [f"{one.what}: {one.chosen} ({one.why})" for one in dataset.decisions],
            "rows": _rows(trial),
            "base_rate": float(y.mean()),
            "cross_validated": cross_validated(y, found),
            "calibration": made.calibration.said,
            "cutoff": best_cutoff(y[learn], found.pooled[learn]),
            "cutoff_criterion": CUTOFF_CRITERION,
            "parity_max_abs_diff": made.parity,
            "parity_rows": len(y),
            "schema_digest": schema.digest(),
            "libraries": {name: version(name) for name in LIBRARIES},
        }
    )


def _rows(trial: Trial) -> dict[str, int]:
    learned = int(trial.learn.sum())
    whole = len(trial.learn)
    groups = len(np.unique(trial.table.groups))
    return {
        "all": whole,
        "learned": learned,
        "held_out": whole - learned,
        "left": int(trial.table.y.sum()),
        "groups": groups,
    }


def _summary(trial: Trial, found: OutOfFold, made: Fit, name: tuple[str, int]) -> dict[str, Any]:
    """One line of the comparison; `log_loss` is of the rows learned from, each out of its fold: what decided."""
    across = cross_validated(trial.table.y, found)
    learn = trial.learn
    return {
        "algorithm": made.candidate.algorithm,
        "model": f"{name[0]}@{name[1]}",
        "settings": dict(made.settings),
        "log_loss": float(log_losses(trial.table.y[learn], found.pooled[learn]).mean()),
        "roc_auc": across["roc_auc"]["mean"],
        "pr_auc": across["pr_auc"]["mean"],
        "pooled_ece": across["pooled_ece"],
        "calibration": made.calibration.said,
        "parity_max_abs_diff": made.parity,
    }
