"""What a migration left behind that was killed, for those that make tables.

MySQL cannot take back half of a migration, so a start that was killed may be repeated: only by what is here may it know
its own tables from those of somebody else.
"""

import sqlalchemy as sa


def drop_leftovers(bind: sa.Connection, wanted: sa.MetaData) -> None:
    """Drops what is there of these tables, as far as each is empty and has exactly the wanted columns."""
    for table in reversed(wanted.sorted_tables):
        if _is_leftover(bind, table):
            table.drop(bind)


def _is_leftover(bind: sa.Connection, wanted: sa.Table) -> bool:
    inspector = sa.inspect(bind)
    if not inspector.has_table(wanted.name):
        return False
    columns = {column["name"] for column in inspector.get_columns(wanted.name)}
    return columns == set(wanted.columns.keys()) and bind.execute(sa.select(wanted).limit(1)).first() is None
