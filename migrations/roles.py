"""The database's users: what each may do and for how long, in one place that a repeat brings back to what stands here.

cartwright_migrations makes and changes tables; cartwright, the programs, reads and writes rows; cartwright_reader only
reads. Behind RDS Proxy a session cannot set its own limits (orders/adapters/rds/engine.py), so the users carry them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from orders.adapters.rds.engine import LOCK_TIMEOUT_MILLISECONDS, STATEMENT_TIMEOUT_MILLISECONDS

IDLE_IN_TRANSACTION_MILLISECONDS = 60_000
READER_STATEMENT_MILLISECONDS = 600_000
IAM_GROUP = "rds_iam"
"""RDS takes a short-lived IAM token instead of a password from members of this group. It exists on RDS alone."""


@dataclass(frozen=True)
class Role:
    """One user: the limits that its sessions start with, and what it may do with the migrations' tables."""

    name: str
    limits: Mapping[str, str] = field(default_factory=dict)
    on_tables: str = ""
    on_sequences: str = ""
    may_create: bool = False


MIGRATIONS = Role(
    "cartwright_migrations",
    # An index on a large table takes its time; a lock that is not had at once is given up (migrations/env.py).
    {"timezone": "UTC", "statement_timeout": "0"},
    may_create=True,
)
PROGRAMS = Role(
    "cartwright",
    {
        "timezone": "UTC",
        "statement_timeout": str(STATEMENT_TIMEOUT_MILLISECONDS),
        "lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MILLISECONDS),
    },
    on_tables="SELECT, INSERT, UPDATE, DELETE",
    on_sequences="USAGE, SELECT",
)
READER = Role(
    "cartwright_reader",
    {
        "timezone": "UTC",
        "statement_timeout": str(READER_STATEMENT_MILLISECONDS),
        "default_transaction_read_only": "on",
    },
    on_tables="SELECT",
    on_sequences="SELECT",
)
ROLES = (MIGRATIONS, PROGRAMS, READER)


def make_roles(connection: Connection) -> None:
    """As the administrator: make each user that is missing, and give all of them their limits and rights anew."""
    known = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    for role in ROLES:
        if role.name not in known:
            connection.execute(text(f"CREATE ROLE {role.name} LOGIN"))
        if IAM_GROUP in known:
            connection.execute(text(f"GRANT {IAM_GROUP} TO {role.name}"))
        for limit, value in role.limits.items():
            connection.execute(text(f"ALTER ROLE {role.name} SET {limit} = '{value}'"))
        rights = "USAGE, CREATE" if role.may_create else "USAGE"
        connection.execute(text(f"GRANT {rights} ON SCHEMA public TO {role.name}"))
    connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    # The administrator owns no table; whoever examines a restored database signs in as it.
    connection.execute(text(f"GRANT {READER.name} TO CURRENT_USER"))


def share_tables(connection: Connection) -> None:
    """As the migrations' user, which owns the tables: let the others use those that are there and those to come."""
    for role in ROLES:
        for rights, what in ((role.on_tables, "TABLES"), (role.on_sequences, "SEQUENCES")):
            if rights:
                connection.execute(text(f"GRANT {rights} ON ALL {what} IN SCHEMA public TO {role.name}"))
                connection.execute(
                    text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {what} TO {role.name}")
                )
