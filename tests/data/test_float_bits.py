"""What a ledger row holds comes back to the last bit, or no answer could be recomputed from it."""

import math
import random
import struct
from datetime import UTC, datetime

from sqlalchemy import Engine

from data import prediction_log
from data.ledger_row import LedgerRow

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HARD = (0.1, 1 / 3, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.2345678901234567e-05, 2.0**53 + 2)


def numbers(count: int) -> list[float]:
    """Hard ones, draws of every size and sign, and neighbours in the last bit."""
    draw = random.Random(3)
    found = list(HARD)
    while len(found) < count:
        any_bits: float = struct.unpack("d", struct.pack("Q", draw.getrandbits(64)))[0]
        chance = draw.random() * 10 ** -draw.randint(0, 30)
        found += [each for each in (any_bits, chance, math.nextafter(chance, 1)) if math.isfinite(each)]
    return found


def row(number: int, value: float) -> LedgerRow:
    return LedgerRow(
        prediction_id=f"id-{number}",
        client_id="c",
        answered_at=AT,
        arm="champion",
        model="additive",
        model_version="1",
        config_revision=1,
        experiment=None,
        prediction=value,
        high_risk=True,
        cutoff=value,
        ltv=value,
        money_at_risk=value,
        recent_times_id_seen=0,
        input={"number": value},
        output={"reasons": [{"effect": value}]},
        silent_scores={"heuristic@1": value},
        request_id=None,
        response_time=value,
    )


def test_every_bit_survives(engine: Engine) -> None:
    given = [row(number, value) for number, value in enumerate(numbers(900))]
    with engine.begin() as connection:
        prediction_log.append_many(connection, given)
    with engine.connect() as connection:
        found = prediction_log.latest(connection, "c", len(given))
    assert {each.prediction_id: each for each in found} == {each.prediction_id: each for each in given}
