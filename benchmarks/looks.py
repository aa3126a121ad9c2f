"""What it costs to look at an experiment every day: false winners, false alarms, and days until the truth is found.

A look a day at the same made-up experiments, once through the always-valid interval and once through the ordinary one,
which is right for a single look. Nothing is shown before both arms have `enough`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.trials import CLIENTS_A_DAY, JUDGES, Truth, course, first_alarm, first_without
from experiments.statistics import ALPHA, MINIMUM_CLIENTS, MINIMUM_EVENTS, SRM_ALPHA
from modeling.plots import BLUE, GREY, ORANGE, STYLE, svg
from tests.support.deployment import ROOT

SEED = 20_210_308
RUNS = 600
LOOKS = 500
SRM_RUNS, SRM_DAYS = 2_000, 60
DRAWN = {"2% leave, half treated": Truth(0.02), "8% leave, half treated": Truth(0.08)}
NO_EFFECT = {
    **DRAWN,
    "2% leave, one in ten treated": Truth(0.02, treated=0.1),
    "8% leave, one in ten treated": Truth(0.08, treated=0.1),
    "8% leave, one in twenty held out, uneven money": Truth(0.08, treated=0.95, unevenness=1.0),
}
EFFECT = {
    "2 points of 8% saved, half treated": Truth(0.08, effect=-0.02),
    "2 points of 8% saved, one in twenty held out": Truth(0.08, effect=-0.02, treated=0.95),
    "the same in uneven money": Truth(0.08, effect=-0.02, treated=0.95, unevenness=1.0),
}
SHARES = {"as configured, 50/50": 0.5, "47/53": 0.47}
RESULT, PICTURE = (Path(__file__).with_suffix(suffix) for suffix in (".json", ".svg"))
WORDS = {"always_valid": "always valid", "fixed_horizon": "fixed horizon"}
Days = Sequence[int | None]
Row = dict[str, Any]


def main() -> None:
    random = np.random.default_rng(SEED)
    winners = {words: _without(truth.effect, truth, random) for words, truth in NO_EFFECT.items()}
    result = {
        "seed": SEED,
        "runs": RUNS,
        "looks": LOOKS,
        "alpha": ALPHA,
        "clients_a_day": CLIENTS_A_DAY,
        "shown_from": {"clients_an_arm": MINIMUM_CLIENTS, "leavers_and_stayers_an_arm": MINIMUM_EVENTS},
        "false_winners": {words: _shares(days) for words, days in winners.items()},
        "effects": {words: _found(truth, random) for words, truth in EFFECT.items()},
        "sample_ratio": {"runs": SRM_RUNS, "looks": SRM_DAYS, "alpha": SRM_ALPHA, "alarms": _alarms(random)},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PICTURE.write_bytes(_picture({words: winners[words] for words in DRAWN}))
    _say(result)


def _without(value: float, truth: Truth, random: np.random.Generator) -> dict[str, Days]:
    """For each judge the day, in each run, on which its interval first excluded `value`."""
    print(f"{RUNS} runs of {LOOKS} looks at {truth}", file=sys.stderr)
    found: dict[str, list[int | None]] = {name: [] for name in JUDGES}
    for _ in range(RUNS):
        days = course(truth, LOOKS, random)
        for name, judge in JUDGES.items():
            found[name].append(first_without(value, judge, days))
    return dict(found)


def _shares(days: dict[str, Days]) -> Row:
    return {name: _share(each) for name, each in days.items()}


def _share(days: Days) -> float:
    return sum(day is not None for day in days) / len(days)


def _found(truth: Truth, random: np.random.Generator) -> Row:
    """How soon a true effect is found, and how often the interval covers it at every look."""
    decided, missed = _without(0.0, truth, random), _without(truth.effect, truth, random)
    return {
        "found": _shares(decided),
        "mean_days": {name: mean(day for day in days if day is not None) for name, days in decided.items()},
        "covered": {name: round(1 - share, 4) for name, share in _shares(missed).items()},
    }


def _alarms(random: np.random.Generator) -> dict[str, Row]:
    found = {}
    for words, share in SHARES.items():
        days = [first_alarm(share, SRM_DAYS, random) for _ in range(SRM_RUNS)]
        middle = median(SRM_DAYS + 1 if day is None else day for day in days)
        found[words] = {"share": _share(days), "median_days": middle if middle <= SRM_DAYS else None}
    return found


def _picture(winners: dict[str, dict[str, Days]]) -> bytes:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        for axes, (words, days) in zip(figure.subplots(1, len(winners), sharey=True), winners.items(), strict=True):
            for (name, each), colour in zip(days.items(), (BLUE, ORANGE), strict=True):
                by_day = np.bincount([day for day in each if day is not None], minlength=LOOKS + 1).cumsum()
                axes.plot(100 * by_day / RUNS, color=colour, label=WORDS[name])
            axes.axhline(100 * ALPHA, linestyle="--", color=GREY, label=f"{ALPHA:.0%}")
            axes.set_title(words, loc="left")
            axes.set_xlabel("looks, one a day")
        figure.axes[0].set_ylabel("runs with a false winner so far, %")
        figure.axes[0].legend()
        return svg(figure, "False winners by number of looks")


def _say(result: Row) -> None:
    _say_row(f"false winners, {LOOKS} daily looks, {RUNS} runs", *WORDS.values())
    for words, shares in result["false_winners"].items():
        _say_row(f"  {words}", *(f"{share:.1%}" for share in shares.values()))
    for words, effect in result["effects"].items():
        _say_row(words)
        _say_row("  runs in which it is found", *(f"{share:.1%}" for share in effect["found"].values()))
        _say_row("  days until then, mean", *(f"{days:.1f}" for days in effect["mean_days"].values()))
        _say_row("  runs that cover the truth at every look", *(f"{share:.1%}" for share in effect["covered"].values()))
    for words, alarms in result["sample_ratio"]["alarms"].items():
        days = f"median day {alarms['median_days']:g}" if alarms["median_days"] else ""
        _say_row(f"sample ratio {words}, {SRM_DAYS} daily looks", f"{alarms['share']:.1%} alarms", days)
    print(f"\nwritten to {RESULT.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")


def _say_row(what: str, *figures: str) -> None:
    print(f"{what:50}" + "".join(f"{figure:>16}" for figure in figures))


if __name__ == "__main__":
    main()
