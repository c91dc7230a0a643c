"""Coupons, the uses that orders hold, and the code in a cart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "coupons",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate_ppm", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("max_uses_per_customer", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("note", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_by", sa.String(length=254), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('percent', 'fixed', 'free_shipping')", name=op.f("ck_coupons_kind")),
        sa.CheckConstraint("code = upper(code)", name=op.f("ck_coupons_code_is_upper")),
        sa.CheckConstraint(
            "used >= 0 AND (max_uses IS NULL OR used <= max_uses)", name=op.f("ck_coupons_used")
        ),
        sa.CheckConstraint(
            "rate_ppm BETWEEN 0 AND 1000000 AND amount_minor >= 0", name=op.f("ck_coupons_gives")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupons")),
    )
    op.create_table(
        "coupon_uses",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("customer_key", sa.String(length=64), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["code"], ["coupons.code"], name=op.f("fk_coupon_uses_code_coupons"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_coupon_uses")),
    )
    op.create_index("ix_coupon_uses_customer", "coupon_uses", ["code", "customer_key"], unique=False)
    op.add_column("carts", sa.Column("coupon_code", sa.String(length=40), server_default="", nullable=False))
    op.add_column(
        "checkouts",
        sa.Column("has_free_shipping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    """Contract; the codes in carts and the uses of coupons are lost."""
    op.drop_column("checkouts", "has_free_shipping")
    op.drop_column("carts", "coupon_code")
    op.drop_index("ix_coupon_uses_customer", table_name="coupon_uses")
    op.drop_table("coupon_uses")
    op.drop_table("coupons")
