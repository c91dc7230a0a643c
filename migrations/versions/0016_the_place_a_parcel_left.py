"""Shipments: the warehouse that a parcel left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand. A constant default rewrites no row, and the release before leaves the column alone."""
    op.add_column("shipments", sa.Column("warehouse", sa.String(16), server_default="", nullable=False))


def downgrade() -> None:
    """Undo it: which parcel left which warehouse is forgotten."""
    op.drop_column("shipments", "warehouse")
