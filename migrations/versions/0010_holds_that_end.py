"""The indexes of holds that end by themselves, built while the shop goes on selling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = (("ix_orders_hold_until", "orders"), ("ix_order_lines_hold_until", "order_lines"))
"""They hold nothing but the few rows that wait for a moment."""


def upgrade() -> None:
    """Expand. Concurrently, so that no order waits; a build that broke off is dropped and begun again."""
    with op.get_context().autocommit_block():
        for name, table in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name,
                table,
                ["hold_until"],
                postgresql_concurrently=True,
                postgresql_where=sa.text("hold_until IS NOT NULL"),
            )


def downgrade() -> None:
    """Undo it: only the search for holds that are over becomes slower."""
    with op.get_context().autocommit_block():
        for name, table in reversed(INDEXES):
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
