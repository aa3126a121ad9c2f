"""Numbers come whole and to the last bit, however many, on both databases."""

import random

import numpy as np
import pytest
from sqlalchemy import Engine, insert, select, text

from data.number_table import read_numbers
from data.readout_clients import stretches
from data.tables import exposures
from tests.support.clients import EXPERIMENT, met, put

WANTED = select(exposures.c.score, exposures.c.ltv)


def test_numbers_come_to_the_last_bit_and_missing_ones_as_nan(engine: Engine) -> None:
    drawn = random.Random(3)
    given = {(drawn.random(), drawn.uniform(0, 1e6)) for _ in range(2_000)} | {(5e-324, 1.7976931348623157e308)}
    put(engine, clients=[met(f"client {n}", score=score, ltv=ltv) for n, (score, ltv) in enumerate(given)])
    put(engine, clients=[met("nobody knows", score=None, ltv=7.0)])
    with engine.connect() as connection:
        found = read_numbers(connection, WANTED)
    assert {(float(score), float(ltv)) for score, ltv in found if not np.isnan(score)} == given
    assert found[np.isnan(found[:, 0]), 1].tolist() == [7.0]


def test_no_rows_are_a_table_without_rows(engine: Engine) -> None:
    with engine.connect() as connection:
        assert read_numbers(connection, WANTED).shape == (0, 2)


def test_a_text_that_the_server_cuts_off_is_no_table(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite sends rows")
    put(engine, clients=[met(f"client {n}") for n in range(1_000)])
    with engine.connect() as connection:
        connection.execute(text("SET SESSION group_concat_max_len = 4000"))
        with pytest.raises(OverflowError, match="of 2000 numbers"):
            read_numbers(connection, WANTED)
        connection.invalidate()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_stretches_are_all_clients_and_each_client_once(engine: Engine, size: int) -> None:
    names = ["a", "A", "ä", "a ", "b", "ÿ", "zebra"]
    with engine.begin() as connection:
        connection.execute(insert(exposures), [met(name) for name in names])
        connection.execute(insert(exposures), [met("somebody else", experiment="other")])
    mine = select(exposures.c.client_id).where(exposures.c.experiment == EXPERIMENT)
    with engine.connect() as connection:
        found = [list(connection.scalars(mine.where(*each))) for each in stretches(connection, EXPERIMENT, size)]
    assert sorted(name for some in found for name in some) == sorted(names)
    assert max(len(some) for some in found) == min(size, len(names))
