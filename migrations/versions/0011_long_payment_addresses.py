"""Room for the address of a payment page: Stripe's are longer than 500 characters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: a longer varchar is a change of the catalogue alone, no row is written."""
    op.alter_column("checkouts", "action_url", type_=sa.String(2000), existing_type=sa.String(500))


def downgrade() -> None:
    """Contract; an address that is too long is cut, and its shopper starts the payment anew."""
    op.alter_column(
        "checkouts",
        "action_url",
        type_=sa.String(500),
        existing_type=sa.String(2000),
        postgresql_using="left(action_url, 500)",
    )
