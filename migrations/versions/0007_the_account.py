"""The shopper's account: customers, sessions, letters, addresses, preferences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "account_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_attempts")),
    )
    op.create_index("ix_account_attempts_at", "account_attempts", ["at"], unique=False)
    op.create_index("ix_account_attempts_key", "account_attempts", ["key", "at"], unique=False)
    op.create_table(
        "customer_erasures",
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_erasures")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=20), server_default="", nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_customers_email_is_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("email", name=op.f("uq_customers_email")),
    )
    op.create_table(
        "notification_preferences",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("wants", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_notification_preferences_email_is_lower")),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_notification_preferences")),
    )
    op.create_table(
        "customer_addresses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_addresses_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_addresses")),
    )
    op.create_index(
        "ix_customer_addresses_customer", "customer_addresses", ["customer_id", "id"], unique=False
    )
    op.create_index(
        "uq_customer_addresses_default",
        "customer_addresses",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "customer_letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=True),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('register', 'already_registered', 'reset', 'no_account', 'confirm_email', 'keep_email', 'email_changed', 'password_changed', 'deleted')",
            name=op.f("ck_customer_letters_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_letters_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_letters")),
    )
    op.create_index("ix_customer_letters_customer", "customer_letters", ["customer_id"], unique=False)
    op.create_index(
        "ix_customer_letters_unsent",
        "customer_letters",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "customer_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip", sa.String(length=45), server_default="", nullable=False),
        sa.Column("user_agent", sa.String(length=300), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_sessions_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_customer_sessions_token_hash")),
    )
    op.create_index(
        "ix_customer_sessions_customer", "customer_sessions", ["customer_id", "last_seen_at"], unique=False
    )
    op.create_index(
        "ix_checkouts_customer",
        "checkouts",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("customer_id <> ''"),
    )


def downgrade() -> None:
    """Undo it; refused where data would be lost in production."""
    op.drop_index(
        "ix_checkouts_customer", table_name="checkouts", postgresql_where=sa.text("customer_id <> ''")
    )
    op.drop_index("ix_customer_sessions_customer", table_name="customer_sessions")
    op.drop_table("customer_sessions")
    op.drop_index(
        "ix_customer_letters_unsent",
        table_name="customer_letters",
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.drop_index("ix_customer_letters_customer", table_name="customer_letters")
    op.drop_table("customer_letters")
    op.drop_index(
        "uq_customer_addresses_default",
        table_name="customer_addresses",
        postgresql_where=sa.text("is_default"),
    )
    op.drop_index("ix_customer_addresses_customer", table_name="customer_addresses")
    op.drop_table("customer_addresses")
    op.drop_table("notification_preferences")
    op.drop_table("customers")
    op.drop_table("customer_erasures")
    op.drop_index("ix_account_attempts_key", table_name="account_attempts")
    op.drop_index("ix_account_attempts_at", table_name="account_attempts")
    op.drop_table("account_attempts")
