"""What Alembic runs: the environment, and one script for each change of the schema."""
