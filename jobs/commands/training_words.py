"""What a training says to the person who started it."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.training_report import TrainingReport

FIGURES = (("log_loss", "log loss"), ("roc_auc", "ROC AUC"), ("pr_auc", "PR AUC"), ("pooled_ece", "ECE"))


def told(report: TrainingReport) -> str:
    """The whole report as text."""
    return "\n".join(_lines(report))


def _lines(report: TrainingReport) -> Iterator[str]:
    winner = report.models[0]
    yield f"{report.table}: {report.rows:,} customers, {winner.card['base_rate']:.1%} of them left."
    yield "\nDecided:"
    yield from (f"  {one['what']}: {one['chosen']} ({one['why']})" for one in report.decisions)
    yield f"\nLeft out: {'nothing' if not report.dropped else ''}".rstrip()
    yield from (f"  {one['column']}: {one['reason']}" for one in report.dropped)
    yield "\nCompared (cross-validated; log loss of the rows learned from, out of fold, decides):"
    yield from _comparison(winner.card["candidates"])
    yield f"  {winner.ref} is best: {report.reason}."
    yield "\nThe winner on rows that it has not seen:"
    yield from _held_out(winner.card)
    yield ""
    yield from report.notes
    yield f"{report.customers:,} customers and {report.lifetime_values:,} lifetime values stored."
    yield "\nModel folders:"
    yield from (f"  {one.folder}" for one in report.models)
    yield from _next(report)


def _comparison(candidates: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "  " + f"{'model':<28}" + "".join(f"{title:>10}" for _, title in FIGURES)
    for one in candidates:
        yield "  " + f"{one['model']:<28}" + "".join(f"{one[name]:>10.4f}" for name, _ in FIGURES)


def _held_out(card: dict[str, Any]) -> Iterator[str]:
    for name, found in card["metrics"].items():
        yield f"  {name:<16} {found['mean']:.4f}   (95 %: {found['low']:.4f} to {found['high']:.4f})"
    yield f"  calibration: {card['calibration']}"
    yield f"  cutoff {card['cutoff']:.2f}: {card['cutoff_criterion']}"
    parity = f"{card['parity_max_abs_diff']:.1e} over all {card['parity_rows']:,} rows"
    yield f"  the exported model differs from the trained one by at most {parity}"


def _next(report: TrainingReport) -> Iterator[str]:
    if report.promotion is None:
        yield "\nThese are candidates: to put them into service, train with --promote or name them in `aliases`."
        return
    named = ", ".join(f"{alias} is {ref}" for alias, ref in report.promotion.aliases.items())
    yield f"\nIn service since config revision {report.promotion.revision}: {named}."
    if report.promotion.cutoff is None:
        yield "The cutoff was left as it is."
    else:
        yield f"The cutoff was set to {report.promotion.cutoff:g}."
