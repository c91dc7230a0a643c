"""The shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "carts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("customer_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
    )
    op.create_index(
        "ix_carts_customer",
        "carts",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("customer_id <> ''"),
    )
    op.create_index("ix_carts_touched", "carts", ["touched_at"], unique=False)
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=36), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "contact", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "shipping_address",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "billing_address",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("shipping_code", sa.String(length=40), server_default="", nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("discount_code", sa.String(length=40), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("payment_token", sa.String(length=120), server_default="", nullable=False),
        sa.Column("payment_label", sa.String(length=40), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payment_reference", sa.String(length=80), server_default="", nullable=False),
        sa.Column("action_url", sa.String(length=500), server_default="", nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "refusals",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("notice", sa.String(length=300), server_default="", nullable=False),
        sa.Column("correlation_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'authorising', 'challenged', 'authorised', 'refused', 'placed', 'abandoned')",
            name=op.f("ck_checkouts_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
    )
    op.create_index(op.f("ix_checkouts_cart_id"), "checkouts", ["cart_id"], unique=False)
    op.create_index(
        "ix_checkouts_in_flight",
        "checkouts",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('authorising', 'challenged', 'authorised', 'refused')"),
    )
    op.create_index(
        "uq_checkouts_unfinished_cart",
        "checkouts",
        ["cart_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('placed', 'abandoned')"),
    )
    op.create_table(
        "cart_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0 AND seen_price_minor >= 0", name=op.f("ck_cart_lines_positive")),
        sa.ForeignKeyConstraint(
            ["cart_id"], ["carts.id"], name=op.f("fk_cart_lines_cart_id_carts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_lines")),
        sa.UniqueConstraint("cart_id", "sku", name=op.f("uq_cart_lines_cart_id_sku")),
    )
    op.alter_column(
        "products",
        "specifications",
        existing_type=postgresql.JSONB(astext_type=sa.Text()),
        type_=sa.JSON(),
        existing_nullable=False,
        existing_server_default=sa.text("'{}'::jsonb"),
    )
    op.alter_column(
        "variants",
        "options",
        existing_type=postgresql.JSONB(astext_type=sa.Text()),
        type_=sa.JSON(),
        existing_nullable=False,
        existing_server_default=sa.text("'{}'::jsonb"),
    )


def downgrade() -> None:
    """Undo it; refused where data would be lost in production."""
    op.alter_column(
        "variants",
        "options",
        existing_type=sa.JSON(),
        type_=postgresql.JSONB(astext_type=sa.Text()),
        existing_nullable=False,
        existing_server_default=sa.text("'{}'::jsonb"),
    )
    op.alter_column(
        "products",
        "specifications",
        existing_type=sa.JSON(),
        type_=postgresql.JSONB(astext_type=sa.Text()),
        existing_nullable=False,
        existing_server_default=sa.text("'{}'::jsonb"),
    )
    op.drop_table("cart_lines")
    op.drop_index(
        "uq_checkouts_unfinished_cart",
        table_name="checkouts",
        postgresql_where=sa.text("status NOT IN ('placed', 'abandoned')"),
    )
    op.drop_index(
        "ix_checkouts_in_flight",
        table_name="checkouts",
        postgresql_where=sa.text("status IN ('authorising', 'challenged', 'authorised', 'refused')"),
    )
    op.drop_index(op.f("ix_checkouts_cart_id"), table_name="checkouts")
    op.drop_table("checkouts")
    op.drop_index("ix_carts_touched", table_name="carts")
    op.drop_index("ix_carts_customer", table_name="carts", postgresql_where=sa.text("customer_id <> ''"))
    op.drop_table("carts")
