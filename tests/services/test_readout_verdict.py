"""The one sentence on an experiment, for whatever was found."""

import pytest

from experiments.statistics import Estimate
from services.readout.parts import ArmReadout, Comparison, Finding
from services.readout.verdict import ALARM, ALONE, EARLY, NOBODY, verdict, winner_of

BETTER, WORSE, OPEN = (-0.019, -0.034, -0.004), (0.015, 0.003, 0.027), (-0.002, -0.012, 0.008)


def arm(
    name: str, found: tuple[float, float, float] | None = None, *, rate: float = 0.08, clients: int = 500
) -> ArmReadout:
    finding: Finding = (
        "undecided" if not found else "better" if found[2] < 0 else "worse" if found[1] > 0 else "undecided"
    )
    compared = Comparison(*found, finding) if found else None
    churn = Estimate(rate, rate - 0.01, rate + 0.01) if clients else None
    return ArmReadout(name, (), 0.5, clients, 0, clients, 0, 0, 0, churn, None, None, compared, None, ())


CONTROL = arm("champion")


@pytest.mark.parametrize(
    ("candidates", "sentence"),
    [
        ([], ALONE),
        ([arm("b")], EARLY),
        (
            [arm("b", BETTER, rate=0.061)],
            (
                "b keeps more clients than champion: 6.1% leave instead of 8.0%, "
                "a difference of 1.9 points (between 0.4 and 3.4)."
            ),
        ),
        (
            [arm("b", WORSE, rate=0.095)],
            (
                "b keeps fewer clients than champion: 9.5% leave instead of 8.0%, "
                "a difference of 1.5 points (between 0.3 and 2.7)."
            ),
        ),
        (
            [arm("b", OPEN)],
            (
                "No winner yet: b cannot be told from champion; the difference in leavers lies between "
                "1.2 points fewer and 0.8 points more."
            ),
        ),
        (
            [arm("b", OPEN), arm("c", WORSE), arm("d", (0.0, -0.01, 0.01))],
            (
                "No winner yet: b and d cannot be told from champion; the difference in leavers, for b, lies between "
                "1.2 points fewer and 0.8 points more."
            ),
        ),
        ([arm("b", WORSE), arm("c", WORSE)], "champion keeps more clients than b and c."),
        ([arm("b", WORSE), arm("c")], "No winner yet: too few clients of some arms have matured."),
        (
            [arm("b", BETTER), arm("c", (-0.03, -0.05, -0.01), rate=0.05)],
            (
                "c keeps more clients than champion: 5.0% leave instead of 8.0%, "
                "a difference of 3 points (between 1.0 and 5.0)."
            ),
        ),
    ],
)
def test_a_manager_reads_one_sentence(candidates: list[ArmReadout], sentence: str) -> None:
    assert verdict(CONTROL, candidates, alarm=False, over=False) == sentence


def test_what_is_over_has_no_winner_to_come() -> None:
    assert verdict(CONTROL, [arm("b", OPEN)], alarm=False, over=True).startswith("No winner: b cannot")


def test_an_alarm_comes_before_any_finding() -> None:
    assert verdict(CONTROL, [arm("b", BETTER)], alarm=True, over=False) == ALARM


def test_nobody_and_nothing_to_compare() -> None:
    assert verdict(arm("champion", clients=0), [arm("b", clients=0)], alarm=False, over=False) == NOBODY
    assert verdict(None, [], alarm=False, over=False) == ALONE


def test_the_winner_keeps_most_of_those_that_are_better() -> None:
    assert winner_of([arm("b", BETTER), arm("c", (-0.03, -0.05, -0.01)), arm("d", (-0.9, -2.0, 0.1))]) == "c"
    assert winner_of([arm("b", OPEN), arm("c", WORSE), arm("d")]) is None
