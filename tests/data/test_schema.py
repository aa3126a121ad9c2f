"""The migrations make what the code expects, and can be undone, repeated and run at once."""

from sqlalchemy import Engine, inspect, text

from data import schema
from data.tables import metadata


def test_the_newest_migration_makes_exactly_the_tables_of_the_code(engine: Engine) -> None:
    state = schema.check(engine)
    assert state == schema.SchemaState(schema.head(), schema.head(), ())
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_a_changed_table_is_drift(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE locks ADD COLUMN stray INTEGER"))
    try:
        state = schema.check(engine)
        assert not state.ok
        assert [line for line in state.drift if "remove_column" in line and "stray" in line]
    finally:
        engine.dispose()  # SQLite's older connections do not notice the column in time to drop it
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE locks DROP COLUMN stray"))
    assert schema.check(engine).ok


def test_down_and_up_again(engine: Engine) -> None:
    schema.downgrade(engine)
    assert schema.current(engine) is None
    assert not set(metadata.tables) & set(inspect(engine).get_table_names())
    schema.upgrade(engine)
    assert schema.check(engine).ok
