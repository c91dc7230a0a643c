"""The order list among ten millions: what is passed over is read from an index alone, and what never meets is known."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_FILTERS = ["status", "payment_status", "fulfilment_status", "is_held", "country", "shipping_code"]
INDEXES: list[tuple[str, str, list[str], dict[str, Any]]] = [
    # The two orders of rows: a walk looks at filters without fetching the orders that it leaves out.
    (
        "ix_orders_by_placed",
        "orders",
        ["placed_at", "id"],
        {"postgresql_include": [*_FILTERS, "total_minor"]},
    ),
    ("ix_orders_by_total", "orders", ["total_minor", "id"], {"postgresql_include": [*_FILTERS, "placed_at"]}),
    # Statuses that hardly ever meet: few entries, all in one place.
    (
        "ix_orders_states",
        "orders",
        ["status", "payment_status", "fulfilment_status", "country", "shipping_code", "placed_at", "id"],
        {"postgresql_include": ["is_held", "total_minor"]},
    ),
    # The radar's stages and their ages.
    (
        "ix_orders_open",
        "orders",
        ["is_held", "fulfilment_status", "payment_status", "status", "updated_at", "id"],
        {"postgresql_where": sa.text("status IN ('placed', 'confirmed')")},
    ),
    ("ix_order_lines_sku_order", "order_lines", ["sku", "order_id"], {}),
]
SUPERSEDED: list[tuple[str, str, list[str]]] = [
    ("ix_orders_placed", "orders", ["placed_at", "id"]),
    ("ix_orders_total", "orders", ["total_minor", "id"]),
    ("ix_order_lines_sku", "order_lines", ["sku"]),
]
"""Each is the beginning of a new index, which answers the release before as well."""


def upgrade() -> None:
    """Expand. Concurrently, so that no order waits; a build that broke off is dropped and begun again."""
    with op.get_context().autocommit_block():
        for name, table, columns, options in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        for name, table, _ in SUPERSEDED:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        # Without it PostgreSQL takes "cancelled" and "captured" for as independent as two dice.
        op.execute(
            "CREATE STATISTICS IF NOT EXISTS st_orders_states (mcv)"
            " ON status, payment_status, fulfilment_status, is_held FROM orders"
        )
        op.execute("ANALYZE orders")


def downgrade() -> None:
    """Undo it: only lists become slower."""
    with op.get_context().autocommit_block():
        op.execute("DROP STATISTICS IF EXISTS st_orders_states")
        for name, table, columns in SUPERSEDED:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True)
        for name, table, _, _ in reversed(INDEXES):
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
