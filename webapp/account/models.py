"""The tables of shoppers' accounts: customers, sessions, letters with their one-time links, addresses, preferences."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from orders.adapters.rds.base import Base


class LetterKind(StrEnum):
    """What we write to a shopper about the account. The values name the templates."""

    REGISTER = "register"
    """A link that makes the account."""
    ALREADY_REGISTERED = "already_registered"
    """Somebody registered an address that has an account."""
    RESET = "reset"
    """A link that sets a new password."""
    NO_ACCOUNT = "no_account"
    """Somebody forgot the password of an account that is not there."""
    CONFIRM_EMAIL = "confirm_email"
    """To the new address: a link that makes it the account's."""
    KEEP_EMAIL = "keep_email"
    """To the present address: a link that stops the change."""
    EMAIL_CHANGED = "email_changed"
    """To the address that was."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  (a letter's name)
    DELETED = "deleted"


class Customer(Base):
    """A shopper with an account. The row is made when the e-mail is proven, so every account has a proven address."""

    __tablename__ = "customers"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """A UUIDv7 as text: what orders and carts carry as `customer_id`."""
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(20), default="", server_default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    password_changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CustomerSession(Base):
    """One signed-in browser. The cookie holds a random token, the table only its hash; revoking is one update."""

    __tablename__ = "customer_sessions"
    __table_args__ = (Index("ix_customer_sessions_customer", "customer_id", "last_seen_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str] = mapped_column(String(45), default="", server_default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="", server_default="")

    customer: Mapped[Customer] = relationship(lazy="joined")


class Letter(Base):
    """An e-mail about an account, and the one-time link in it: the link names this row and carries a signature.

    The row is written with what it is about and sent after the commit, so that a mail provider's outage loses none,
    and the time of an answer does not tell whether there is an account.
    """

    __tablename__ = "customer_letters"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(str(kind)) for kind in LetterKind)})", name="kind"),
        Index("ix_customer_letters_unsent", "created_at", postgresql_where=text("sent_at IS NULL")),
        Index("ix_customer_letters_customer", "customer_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its link was used or withdrawn: it works once."""
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))


class AccountAttempt(Base):
    """A try at something that is limited, under a key such as `sign-in|email:...`: the rate limit's memory."""

    __tablename__ = "account_attempts"
    __table_args__ = (Index("ix_account_attempts_key", "key", "at"), Index("ix_account_attempts_at", "at"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SavedAddress(Base):
    """An address in a customer's book."""

    __tablename__ = "customer_addresses"
    __table_args__ = (
        Index("ix_customer_addresses_customer", "customer_id", "id"),
        Index(
            "uq_customer_addresses_default",
            "customer_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class NotificationPreference(Base):
    """Which channels somebody wants to hear of their orders on. By e-mail address, so that guests have a choice too."""

    __tablename__ = "notification_preferences"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower"),)

    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    wants: Mapped[dict[str, bool]] = mapped_column(JSONB)
    """By channel, such as {"email": false}; a channel that is not named is wanted."""
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CustomerErasure(Base):
    """A deleted account of which orders were still under way: they are anonymised once they have ended."""

    __tablename__ = "customer_erasures"

    customer_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
