"""What is tried again when its connection was dropped, and what is not."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from data import dropped
from data.dropped import despite_drops
from data.engine import build_engine


def cut_in_the_middle(engine: Engine, times: int) -> tuple[list[int], Callable[[], int]]:
    """What ends its own connection in the middle, the first `times` times that it is called."""
    calls: list[int] = []

    def read() -> int:
        calls.append(1)
        with engine.connect() as connection:
            if len(calls) <= times:
                connection.execute(text("kill connection_id()"))
            return int(connection.execute(text("select 7")).scalar_one())

    return calls, read


@pytest.mark.parametrize(("times", "answered"), [(0, True), (2, True), (3, False)])
def test_two_drops_are_not_noticed_and_three_are(mariadb_url: str, times: int, answered: bool) -> None:
    engine = build_engine(mariadb_url)
    calls, read = cut_in_the_middle(engine, times)
    if answered:
        assert despite_drops(read) == 7
    else:
        with pytest.raises(DBAPIError):
            despite_drops(read)
    assert len(calls) == min(times + 1, 3)
    engine.dispose()


def test_what_took_long_or_is_wrong_is_not_tried_again(mariadb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = build_engine(mariadb_url)
    monkeypatch.setattr(dropped, "SOON_SECONDS", -1)
    calls, read = cut_in_the_middle(engine, 1)
    with pytest.raises(OperationalError):
        despite_drops(read)
    assert len(calls) == 1
    engine.dispose()
