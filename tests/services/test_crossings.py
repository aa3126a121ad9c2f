"""The line of high risk: from the cutoff on, and out again only well below it."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.risk_store import Change, Sighting
from services.config.model import LiveConfig
from services.crossings import crossing, side, webhook

NOON = datetime(2026, 11, 22, 12, 0, 0, 500, tzinfo=UTC)
CONFIG = LiveConfig(proba_cutoff=0.5, risk_hysteresis=0.05)


def seen(prediction: float, was_high: bool | None = None) -> Sighting:
    return Sighting("äbc", "019abc", NOON, prediction, 10.5, was_high)


def walk(predictions: list[float], config: LiveConfig) -> list[bool]:
    """The directions in which a client crosses who is answered so, one after the other."""
    was_high, found = None, []
    for prediction in predictions:
        high = side(was_high, prediction, config)
        if crossing(seen(prediction, was_high), high, config):
            found.append(high)
        was_high = high
    return found


@pytest.mark.parametrize(
    ("was_high", "prediction", "high"),
    [
        (None, 0.5, True),
        (None, 0.4999, False),
        (False, 0.4999, False),
        (False, 0.5, True),
        (True, 0.46, True),
        (True, 0.45, True),
        (True, 0.4499, False),
    ],
)
def test_which_side_a_client_is_on(was_high: bool | None, prediction: float, high: bool) -> None:
    assert side(was_high, prediction, CONFIG) is high


def test_who_is_first_seen_below_has_not_crossed() -> None:
    assert walk([0.1], CONFIG) == []
    assert walk([0.9], CONFIG) == [True]


probabilities = st.floats(0, 1)


@given(st.lists(probabilities, max_size=40), st.floats(0.01, 0.99), st.floats(0, 0.5))
def test_a_client_goes_in_and_out_by_turns_beginning_with_in(scores: list[float], cutoff: float, gap: float) -> None:
    found = walk(scores, LiveConfig(proba_cutoff=cutoff, risk_hysteresis=gap))
    assert found[:1] in ([], [True])
    assert all(one is not other for one, other in pairwise(found))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.floats(0.1, 0.9), st.floats(0.01, 0.1))
def test_scores_that_wobble_around_the_cutoff_cross_it_once(wobbles: list[float], cutoff: float, gap: float) -> None:
    """None falls further below than the hysteresis allows."""
    near = [cutoff + max(wobble * gap, -0.999 * gap) for wobble in wobbles]
    found = walk([cutoff, *near], LiveConfig(proba_cutoff=cutoff, risk_hysteresis=gap))
    assert found == [True]


def test_without_hysteresis_each_passing_counts() -> None:
    assert walk([0.5, 0.49, 0.5, 0.49], LiveConfig(proba_cutoff=0.5, risk_hysteresis=0)) == [True, False, True, False]


def change(high: bool = True) -> Change:
    found = crossing(seen(0.7, was_high=not high), high, CONFIG)
    assert found is not None
    return found


def test_a_crossing_has_an_id_of_its_own_that_is_always_the_same() -> None:
    assert change() == change()
    assert change(high=True).change_id != change(high=False).change_id
    assert (change().at, change().cutoff, change().money_at_risk) == (NOON, 0.5, 10.5)


def test_what_a_webhook_says() -> None:
    message = webhook(change(), datetime(2026, 11, 23, tzinfo=UTC))
    assert message.message_id == change().change_id
    assert message.message == {
        "type": "client.risk.entered",
        "timestamp": "2026-11-22T12:00:00.000500Z",
        "data": {
            "client_id": "äbc",
            "prediction": 0.7,
            "cutoff": 0.5,
            "money_at_risk": 10.5,
            "prediction_id": "019abc",
            "answered_at": "2026-11-22T12:00:00.000500Z",
        },
    }
    assert webhook(change(high=False), NOON).message["type"] == "client.risk.left"
