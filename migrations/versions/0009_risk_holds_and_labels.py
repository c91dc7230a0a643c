"""Risk rules and holds with an end, labels and parcels that arrive, bulk work with options per order and with a file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = "kind IN ('amount', 'velocity', 'address_mismatch', 'first_order', 'country')"
HOLDS = "hold_kind IN ('fraud', 'address', 'stock', 'payment', 'manual')"
RULES = (
    ("amount", "amount", "Dear order", True, "fraud", 0, 100_000, 0, 0),
    ("velocity", "velocity", "Many orders at once", True, "fraud", 0, 0, 4, 24),
    ("address_mismatch", "address_mismatch", "Two addresses", True, "address", 24, 20_000, 0, 0),
    ("first_order", "first_order", "First order", False, "fraud", 0, 50_000, 0, 0),
    ("country", "country", "Country on the list", True, "fraud", 0, 0, 0, 0),
)
"""One of each kind, all of them off: code, kind, name, holds, hold_kind, hold_hours, limit_minor, count, hours."""


def upgrade() -> None:
    """Expand."""
    _risk()
    op.add_column("orders", sa.Column("hold_until", MOMENT))
    op.add_column(
        "order_lines", sa.Column("hold_reason", sa.String(length=40), server_default="", nullable=False)
    )
    op.add_column("order_lines", sa.Column("hold_until", MOMENT))
    op.add_column("shipments", sa.Column("delivered_at", MOMENT))
    op.add_column("bulk_rows", sa.Column("options", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["bulk_jobs.id"], name=op.f("fk_job_files_job_id_bulk_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "part", name=op.f("pk_job_files")),
    )
    _labels()


def _risk() -> None:
    rules = op.create_table(
        "risk_rules",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("holds", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("hold_kind", sa.String(length=20), nullable=False),
        sa.Column("hold_hours", sa.Integer(), server_default="0", nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hours", sa.Integer(), server_default="0", nullable=False),
        sa.Column("countries", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.String(length=80), server_default="", nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_risk_rules_kind")),
        sa.CheckConstraint(HOLDS, name=op.f("ck_risk_rules_hold_kind")),
        sa.CheckConstraint(
            "hold_hours >= 0 AND limit_minor >= 0 AND count >= 0 AND hours >= 0",
            name=op.f("ck_risk_rules_sane"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_risk_rules")),
    )
    names = ("code", "kind", "name", "holds", "hold_kind", "hold_hours", "limit_minor", "count", "hours")
    op.bulk_insert(rules, [dict(zip(names, rule, strict=True)) for rule in RULES])
    op.create_table(
        "risk_hits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("hold_kind", sa.String(length=20), nullable=False),
        sa.Column("until", MOMENT),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_risk_hits_order_id_orders"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_hits")),
    )
    op.create_index("ix_risk_hits_order", "risk_hits", ["order_id", "id"])


def _labels() -> None:
    op.create_table(
        "shipping_labels",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("tracking_number", sa.String(length=80), nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipping_labels_order_id_orders"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_labels")),
    )
    op.create_index("ix_shipping_labels_order", "shipping_labels", ["order_id", "created_at"])
    op.create_index(
        "ix_shipping_labels_number", "shipping_labels", ["carrier", "tracking_number"], unique=True
    )
    op.create_table(
        "post_parcels",
        sa.Column("tracking_number", sa.String(length=20), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("recipient", JSONB(), nullable=False),
        sa.Column("delivered_at", MOMENT),
        sa.Column("at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tracking_number", name=op.f("pk_post_parcels")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_post_parcels_idempotency_key")),
    )


def downgrade() -> None:
    """Undo it; refused where data would be lost in production."""
    op.drop_table("post_parcels")
    op.drop_table("shipping_labels")
    op.drop_table("job_files")
    op.drop_column("bulk_rows", "options")
    op.drop_column("shipments", "delivered_at")
    op.drop_column("order_lines", "hold_until")
    op.drop_column("order_lines", "hold_reason")
    op.drop_column("orders", "hold_until")
    op.drop_table("risk_hits")
    op.drop_table("risk_rules")
