"""How the simulation of the loop is shown: as a table, and as a picture."""

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modeling.plots import BLUE, GREY, ORANGE, STYLE, svg

Row = dict[str, Any]
FIGURES = {
    "difference": ("churn, challenger minus champion, points", 100.0),
    "saved_per_client": ("money saved a treated client", 1.0),
}
FOUND = ("truth", "value", "low", "high")


def told(trials: Sequence[Row], month: Row, summary: Row) -> str:
    """The table, and what it comes to."""
    return "\n".join([*_table(trials, month), "", *_conclusions(trials, summary)])


def picture(trials: Sequence[Row]) -> bytes:
    """Each trial's intervals and what they should cover, as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        for axes, (name, (words, factor)) in zip(figure.subplots(1, 2, sharey=True), FIGURES.items(), strict=True):
            _draw(axes, [{key: row[name][key] * factor for key in FOUND} for row in trials])
            axes.set_xlabel(words)
        names = [f"{row['scenario']}, {row['seed']}" for row in trials]
        figure.axes[0].set_yticks(range(len(trials)), names)
        figure.axes[0].invert_yaxis()
        figure.axes[0].legend()
        return svg(figure, "What the readout says, and the truth")


def _draw(axes: Axes, rows: Sequence[dict[str, float]]) -> None:
    places = list(range(len(rows)))
    axes.axvline(0, color=GREY, linestyle="--")
    axes.hlines(places, [row["low"] for row in rows], [row["high"] for row in rows], color=BLUE, label="interval")
    axes.plot([row["truth"] for row in rows], places, "o", color=ORANGE, label="truth")


def _table(trials: Sequence[Row], month: Row) -> Iterator[str]:
    yield f"{'':46}{'truth':>10}{'estimate':>10}{'from':>10}{'to':>10}  covered"
    for row in trials:
        yield f"{row['scenario']}, seed {row['seed']}; winner: {row['winner'] or 'none'}"
        yield from (_line(words, row[name], factor) for name, (words, factor) in FIGURES.items())
    yield "the month of the permanent holdout, all experiments together"
    yield _line(FIGURES["saved_per_client"][0], month, 1.0)


def _line(words: str, held: Row, factor: float) -> str:
    figures = (f"{held[key] * factor:>10.2f}" for key in FOUND)
    return f"  {words:44}{''.join(figures)}  {'yes' if held['covered'] else 'NO'}"


def _conclusions(trials: Sequence[Row], summary: Row) -> Iterator[str]:
    for scenario, right in summary["right"].items():
        yield f"{scenario}: {right} of {summary['trials_each']} counted every client and named the right winner, if any"
    for name, (words, _) in FIGURES.items():
        yield f"{words}: {summary['covered'][name]} of {len(trials)} intervals cover the truth"
