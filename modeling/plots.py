"""The pictures of a model folder, as SVG that is the same for the same figures."""

from collections.abc import Callable, Mapping
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modeling.metrics import BINS, Ranking

Doubles = npt.NDArray[np.float64]

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"  # told apart by the colour-blind (Okabe and Ito, 2008)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "holdfast",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}
FEW = 10  # customers in a bin; the rate of fewer says nothing
Draw = Callable[[Axes, Doubles, Doubles], None]


def plots(y: Doubles, p: Doubles) -> dict[str, bytes]:
    """The pictures of the held-out rows, by name; `y` is 0 or 1, `p` the probability, both (N,)."""
    return {name: _picture(title, draw, y, p) for name, (title, draw) in PICTURES.items()}


def _picture(title: str, draw: Draw, y: Doubles, p: Doubles) -> bytes:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        draw(axes, y, p)
        axes.set_title(title, loc="left", fontweight="bold")
        return svg(figure, title)


def svg(figure: Figure, title: str) -> bytes:
    """The figure with its title where screen readers look for it, and without a date."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Title": title})
    head, body = text.getvalue().split("<svg ", 1)
    attributes, rest = body.split(">", 1)
    named = f'role="img" aria-label="{escape(title)}"'
    return f"{head}<svg {named} {attributes}><title>{escape(title)}</title>{rest}".encode()


def _roc(axes: Axes, y: Doubles, p: Doubles) -> None:
    ranking = Ranking.of(y, p, np.ones(len(y)))
    axes.plot([0, *_running(ranking.stayers)], [0, *_running(ranking.leavers)], color=BLUE, label="model")
    axes.plot([0, 1], [0, 1], "--", color=GREY, label="chance")
    _labels(axes, "share of stayers flagged", "share of leavers found")


def _calibration(axes: Axes, y: Doubles, p: Doubles) -> None:
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    used = np.flatnonzero(np.bincount(bins) >= FEW)
    said = [float(p[bins == number].mean()) for number in used]
    seen = [float(y[bins == number].mean()) for number in used]
    axes.plot([0, 1], [0, 1], "--", color=GREY, label="perfect")
    axes.plot(said, seen, "o-", color=BLUE, label="model")
    _labels(axes, "probability said", "share that left")


def _gains(axes: Axes, y: Doubles, p: Doubles) -> None:
    ranking = Ranking.of(y, p, np.ones(len(y)))
    axes.plot([0, *_running(ranking.leavers + ranking.stayers)], [0, *_running(ranking.leavers)], color=BLUE)
    axes.plot([0, 1], [0, 1], "--", color=GREY)
    _labels(axes, "share of customers, riskiest first", "share of leavers among them", legend=False)


def _lift(axes: Axes, y: Doubles, p: Doubles) -> None:
    tenths = np.array_split(y[np.argsort(-p, kind="stable")], 10)
    axes.bar(range(1, 11), [float(tenth.mean()) / max(float(y.mean()), 1e-12) for tenth in tenths], color=BLUE)
    axes.axhline(1, linestyle="--", color=GREY)
    axes.set_xticks(range(1, 11))
    _labels(axes, "tenth of the customers, riskiest first", "leavers, against the average", legend=False)


def _scores(axes: Axes, y: Doubles, p: Doubles) -> None:
    edges = np.linspace(0, 1, 21).tolist()
    axes.hist(p[y == 0], edges, color=BLUE, alpha=0.65, label="stayed")
    axes.hist(p[y == 1], edges, color=ORANGE, alpha=0.65, label="left")
    _labels(axes, "probability said", "customers")


def _running(weights: Doubles) -> list[float]:
    shares: list[float] = (np.cumsum(weights) / max(float(weights.sum()), 1e-12)).tolist()
    return shares


def _labels(axes: Axes, x: str, y: str, *, legend: bool = True) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if legend:
        axes.legend(frameon=False)


PICTURES: Mapping[str, tuple[str, Draw]] = {
    "roc": ("ROC curve", _roc),
    "calibration": ("Calibration", _calibration),
    "gains": ("Cumulative gains", _gains),
    "lift": ("Lift by tenth", _lift),
    "scores": ("Scores of those who left and stayed", _scores),
}
