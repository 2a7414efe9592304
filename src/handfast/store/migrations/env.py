"""Alembic's environment: runs the scripts in the transaction that `handfast.store.migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
