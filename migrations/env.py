"""Alembic's door: which database, and the tables of the core and of every part of the web application.

The database comes from `config.attributes["database_url"]` (the laptop, tests) or from the settings (a release).
"""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from pathlib import Path

from alembic import context
from sqlalchemy import Engine, create_engine, pool

from orders.adapters.rds.base import Base
from orders.adapters.rds.engine import make_engine
from orders.settings import Settings

LOCK_WAIT_MILLISECONDS = 5_000
"""A migration that cannot get its lock gives up: waiting in line would stop every query behind it."""
MIGRATION_LOCK = 7_203_415_001
"""Key of the advisory lock: two releases never migrate at once."""

ROOT = Path(__file__).parent.parent
# Importing a module of models registers its tables with the shared metadata.
for _path in sorted([*ROOT.glob("orders/adapters/rds/*models.py"), *ROOT.glob("webapp/*/models.py")]):
    importlib.import_module(".".join(_path.relative_to(ROOT).with_suffix("").parts))


def _engine() -> Engine:
    """No pool, and no time limit on statements: an index of a large table takes its time."""
    settings = Settings.from_environment(os.environ)
    if given := context.config.attributes.get("database_url"):
        settings = replace(settings, database_url=str(given), database_iam_auth=False)
    if settings.database_iam_auth:
        return make_engine(settings, "migrations")
    return create_engine(settings.database_url, poolclass=pool.NullPool, connect_args={"connect_timeout": 5})


def run() -> None:
    """Bring the database to the wanted revision, in one transaction per revision."""
    engine = _engine()
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        connection.exec_driver_sql(f"SET lock_timeout = {LOCK_WAIT_MILLISECONDS}")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
        connection.commit()
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database; there is no offline mode")
run()
