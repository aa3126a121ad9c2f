"""What each of the most telling features does to the answer, as one picture."""

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modeling.encoding import Codes
from modeling.plots import BLUE, GREY, STYLE, svg
from modeling.schema import Feature, TableSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SHOWN, COLUMNS, MOST_BARS, LONGEST_LABEL = 6, 3, 8, 18
TITLE = "Effects of the most telling features, in log-odds"


def effect_plot(schema: TableSchema, x: Floats, effects: Doubles) -> bytes:
    """Mean contribution by value, for the features with the largest ones; `x` and `effects` are (N, F)."""
    strength = np.abs(effects).mean(axis=0)
    order = [int(i) for i in np.argsort(-strength, kind="stable")[:SHOWN] if strength[i] > 0]
    rows = max(1, -(-len(order) // COLUMNS))
    with mpl.rc_context({**STYLE, "font.size": 9}):
        figure = Figure(figsize=(9, 2.6 * rows + 0.4), layout="constrained")
        figure.suptitle(TITLE, fontweight="bold")
        for place, column in enumerate(order, start=1):
            axes = figure.add_subplot(rows, COLUMNS, place)
            _draw(axes, schema.features[column], x[:, column], effects[:, column])
        return svg(figure, TITLE)


def _draw(axes: Axes, feature: Feature, column: Floats, effects: Doubles) -> None:
    axes.set_title(_short(feature.name, 30), fontsize=9)
    if feature.kind in {"category", "boolean"}:
        _bars(axes, feature, column, effects)
    else:
        _line(axes, column, effects)


def _bars(axes: Axes, feature: Feature, column: Floats, effects: Doubles) -> None:
    codes: dict[str, float] = {"false": 0.0, "true": 1.0}
    if feature.kind == "category":
        known = Codes(feature)
        codes = {name: known[name] for name in feature.categories}
    sizes = {name: int((column == code).sum()) for name, code in codes.items()}
    names = sorted((name for name in codes if sizes[name]), key=lambda name: -sizes[name])[:MOST_BARS]
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.barh(range(len(names)), [float(effects[column == codes[name]].mean()) for name in names], color=BLUE)
    axes.set_yticks(range(len(names)), [_short(name, LONGEST_LABEL) for name in names])
    axes.invert_yaxis()  # the most frequent on top


def _line(axes: Axes, column: Floats, effects: Doubles) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    filled = ~np.isnan(column)
    values, found = column[filled].astype(np.float64), effects[filled]
    if not len(values):
        return
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 21)))
    places = np.searchsorted(edges, values, side="right")
    used = np.unique(places)
    middle = [float(values[places == place].mean()) for place in used]
    axes.plot(middle, [float(found[places == place].mean()) for place in used], "o-", color=BLUE, markersize=3)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
