"""A database that is older than the marks gets those that it would have by now."""

from datetime import timedelta

from sqlalchemy import select

from data import prediction_log, schema
from data.engine import build_engine
from data.tables import actions, client_latest
from tests.support.clients import done
from tests.support.ledger import NOON, row

CLIENTS = 5_003  # more than a portion


def test_clients_contacted_before_are_marked_afterwards(empty_url: str) -> None:
    engine = build_engine(empty_url)
    schema.upgrade(engine, "0008")
    names = [f"client {number}" for number in range(CLIENTS)]
    given = [row(name) for name in names]
    latest = [{"client_id": each.client_id, "prediction_id": each.prediction_id, "answered_at": NOON} for each in given]
    deeds = [done(name, NOON + timedelta(hours=hour)) for name in names[::2] for hour in (1, 0)]
    with engine.begin() as connection:
        connection.execute(client_latest.insert(), latest)
        connection.execute(actions.insert(), deeds)
    schema.upgrade(engine)
    assert schema.check(engine).ok
    wanted = select(client_latest.c.client_id, client_latest.c.contacted_at)
    with engine.begin() as connection:
        prediction_log.append_many(connection, given[:10])
        found = {each.client_id: each.contacted_at for each in connection.execute(wanted)}
    assert found == {name: None if n % 2 else NOON + timedelta(hours=1) for n, name in enumerate(names)}
    schema.downgrade(engine, "0007")
    schema.upgrade(engine)
    engine.dispose()
