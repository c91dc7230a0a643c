"""When a sold-out variant is expected back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: a column that old code does not read."""
    op.add_column("variants", sa.Column("back_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Contract; the days are lost."""
    op.drop_column("variants", "back_on")
