"""Runs migrations on the connection that `data.schema` hands over; there is no alembic.ini."""

from alembic import context

from data.schema import OPTIONS

connection = context.config.attributes["connection"]
context.configure(connection=connection, **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
