"""How good models were on the clients of an experiment: those that served them, and those that scored silently."""

from collections.abc import Iterable, Sequence

from data.readout_store import Bin, EarlyOutcomes, Served
from experiments.quality import ScoreBin, quality
from experiments.statistics import enough
from services.readout.figures import Figures
from services.readout.parts import ModelQuality, ShadowReadout


def arm_qualities(bins: Sequence[Bin], early: EarlyOutcomes) -> tuple[ModelQuality, ...]:
    """One for each model that served the arm, the one with the most clients first."""
    models = {each.served.model for each in bins}
    found = [model_quality(model, [b for b in bins if b.served.model == model], early) for model in models]
    return tuple(sorted(found, key=lambda each: (-each.n, each.model)))


def shadow_readouts(figures: Figures) -> tuple[ShadowReadout, ...]:
    """Each silent model on each part of the clients that it scored, beside the model that served them."""
    found = []
    for model, scores in figures.silent.items():
        for served in _parts(scores.silent):
            silent = model_quality(model, _of(served, scores.silent), figures.early)
            own = model_quality(served.model, _of(served, scores.own), figures.early)
            found.append(ShadowReadout(model, served.arm, silent, own))
    return tuple(found)


def model_quality(model: str, bins: Iterable[Bin], early: EarlyOutcomes) -> ModelQuality:
    """The figures, and how many left, are None as long as there are too few clients."""
    matured = [(each.score, *each.matured(early)) for each in bins]
    n, churned = sum(count for _, count, _ in matured), sum(left for _, _, left in matured)
    found = quality([ScoreBin(*each) for each in matured]) if enough(n, churned) else None
    if found is None:
        return ModelQuality(model, n, None, None, None, None)
    return ModelQuality(model, n, churned, found.auc, found.brier, found.ece)


def _parts(bins: Iterable[Bin]) -> list[Served]:
    return sorted({each.served for each in bins}, key=lambda served: (served.arm, served.model))


def _of(served: Served, bins: Iterable[Bin]) -> list[Bin]:
    return [each for each in bins if each.served == served]
