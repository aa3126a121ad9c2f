"""Every case beside the bare endpoint, as SVG."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.speed.cases import FLOOR, FULL
from benchmarks.speed.targets import ratios, targets
from modeling.plots import BLUE, GREY, ORANGE, STYLE, svg

TITLE = "Speed beside a bare Flask endpoint"
AXES = {"requests_per_second": "requests/s", "cpu_us": "CPU a request", "p99_ms": "99th percentile"}


def picture(result: Mapping[str, Any]) -> bytes:
    """Bars of the ratios to the floor; a dashed line where everything on should end."""
    medians = {name: each for name, each in result["medians"].items() if "rows_per_second" not in each}
    found = ratios(medians)
    rate, cpu, p99 = (each.limit for each in targets(result)[:3])
    limits = {"requests_per_second": rate, "cpu_us": cpu, "p99_ms": p99}
    colours = [{FLOOR: GREY, FULL: ORANGE}.get(name, BLUE) for name in medians]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        for axes, (key, words) in zip(figure.subplots(1, len(AXES), sharey=True), AXES.items(), strict=True):
            axes.barh(list(medians), [each[key] for each in found.values()], color=colours)
            axes.axvline(limits[key], color=GREY, linestyle="--")
            axes.set_xlabel(f"{words}, × {FLOOR}")
            axes.set_xlim(0, 2 * limits[key] + 1)
        figure.axes[0].invert_yaxis()
        return svg(figure, TITLE)
