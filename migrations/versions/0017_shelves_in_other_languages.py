"""Shelves and collections: what the owner calls them in the shop's other languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = ("categories", "collections")


def upgrade() -> None:
    """Expand. A constant default rewrites no row, and the release before leaves the column alone."""
    for table in TABLES:
        op.add_column(table, sa.Column("words", JSONB(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    """Undo it: the other languages' words are forgotten."""
    for table in TABLES:
        op.drop_column(table, "words")
