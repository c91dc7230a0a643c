"""Two small indexes for the order list among millions: what is still to do, and the few payments that went another way."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OPEN = (
    "status IN ('placed', 'confirmed') AND fulfilment_status IN ('unfulfilled', 'picking', 'partly_shipped')"
)
INDEXES: list[tuple[str, list[Any], str]] = [
    # A shop has a few thousand orders to do, however many it ever had.
    ("ix_orders_to_do", ["placed_at", "id"], OPEN),
    # Nearly every payment ends as captured: those are found by the index of all totals.
    ("ix_orders_payment_total", ["payment_status", "total_minor", "id"], "payment_status <> 'captured'"),
]


def upgrade() -> None:
    """Expand. Concurrently, so that no order waits; a build that broke off is dropped and begun again."""
    with op.get_context().autocommit_block():
        for name, columns, where in INDEXES:
            op.drop_index(name, "orders", if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name, "orders", columns, postgresql_concurrently=True, postgresql_where=sa.text(where)
            )


def downgrade() -> None:
    """Undo it: only lists become slower."""
    with op.get_context().autocommit_block():
        for name, _, _ in reversed(INDEXES):
            op.drop_index(name, "orders", if_exists=True, postgresql_concurrently=True)
