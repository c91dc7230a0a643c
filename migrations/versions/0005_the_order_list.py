"""The order list's indexes, built while the shop goes on selling."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BY_FILTER = ("status", "payment_status", "fulfilment_status", "country", "shipping_code")
INDEXES: list[tuple[str, str, list[Any], dict[str, Any]]] = [
    *((f"ix_orders_{name}_placed", "orders", [name, "placed_at", "id"], {}) for name in BY_FILTER),
    ("ix_orders_held", "orders", ["placed_at", "id"], {"postgresql_where": sa.text("is_held")}),
    ("ix_orders_total", "orders", ["total_minor", "id"], {}),
    (
        "ix_orders_email_prefix",
        "orders",
        [sa.literal_column("lower(email)").label("email")],
        {"postgresql_ops": {"email": "text_pattern_ops"}},
    ),
    (
        "ix_orders_name_words",
        "orders",
        [sa.literal_column("to_tsvector('simple', name)")],
        {"postgresql_using": "gin"},
    ),
    (
        "ix_shipments_tracking_number",
        "shipments",
        ["tracking_number"],
        {"postgresql_where": sa.text("tracking_number <> ''")},
    ),
]


def upgrade() -> None:
    """Expand. Concurrently, so that no order waits; a build that broke off is dropped and begun again."""
    with op.get_context().autocommit_block():
        for name, table, columns, options in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, **options)


def downgrade() -> None:
    """Undo it: only lists become slower."""
    with op.get_context().autocommit_block():
        for name, table, _, _ in reversed(INDEXES):
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
