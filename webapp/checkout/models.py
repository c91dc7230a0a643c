"""The table of checkouts: one row per order to be, with everything that was typed, frozen and answered so far."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Index, Integer, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base


class CheckoutStatus(StrEnum):
    """Where a checkout stands. Everything between OPEN and PLACED is driven by `placing.advance` and may be resumed."""

    OPEN = "open"
    """The shopper is filling it in."""
    AUTHORISING = "authorising"
    """A payment attempt is on record; its answer is not."""
    CHALLENGED = "challenged"
    """The bank asks the shopper something."""
    AUTHORISED = "authorised"
    """Money is held; the frozen request may be (or may have been) sent to the order API."""
    REFUSED = "refused"
    """The order API said no; the held money is to be let go, then the checkout is OPEN again."""
    PLACED = "placed"
    """The order is accepted."""
    ABANDONED = "abandoned"
    """It will never become an order; nothing is held."""


IN_FLIGHT = frozenset(
    {
        CheckoutStatus.AUTHORISING,
        CheckoutStatus.CHALLENGED,
        CheckoutStatus.AUTHORISED,
        CheckoutStatus.REFUSED,
    }
)
"""The states in which money may be held: no cart change may alter such a checkout."""


class Checkout(Base):
    """One checkout. Its id is the order id: decided here, the idempotency key of every later hop."""

    __tablename__ = "checkouts"
    __table_args__ = (
        CheckConstraint(
            f"status IN ({', '.join(repr(str(status)) for status in CheckoutStatus)})", name="status"
        ),
        # One cart is never paid for twice: at most one checkout of it is unfinished.
        Index(
            "uq_checkouts_unfinished_cart",
            "cart_id",
            unique=True,
            postgresql_where=text("status NOT IN ('placed', 'abandoned')"),
        ),
        Index("ix_checkouts_customer", "customer_id", postgresql_where=text("customer_id <> ''")),
        Index(
            "ix_checkouts_in_flight",
            "updated_at",
            postgresql_where=text("status IN ('authorising', 'challenged', 'authorised', 'refused')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    cart_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    customer_id: Mapped[str] = mapped_column(String(36), default="", server_default="")
    status: Mapped[str] = mapped_column(String(16), default=CheckoutStatus.OPEN)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """The frozen snapshot: what the shopper reviewed is what is charged, whatever happens to the cart."""
    currency: Mapped[str] = mapped_column(String(3))
    contact: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    shipping_address: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    billing_address: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    shipping_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    discount_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    has_free_shipping: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    """Whether the coupon makes the cheapest delivery free."""
    note: Mapped[str] = mapped_column(String(500), default="", server_default="")
    payment_token: Mapped[str] = mapped_column(String(120), default="", server_default="")
    """The provider's one-time name of the card, never the card. Emptied when the order is placed."""
    payment_label: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """What the shopper recognises: brand and last four digits."""
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    """How many authorisations were begun; part of each one's idempotency key."""
    payment_reference: Mapped[str] = mapped_column(String(80), default="", server_default="")
    action_url: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    """Where the provider waits for the shopper. Addresses of hosted pages are long."""
    request: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The exact body sent to the order API, frozen before the first send: a repeat sends the same bytes."""
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it was first sent; until the order Lambda's time limit has passed since, a "not found" proves nothing."""
    refusals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    """Why the last attempt was refused, line by line, for the page that mends it."""
    notice: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """What the shopper is told at the next look, such as why the bank declined."""
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Until when one process works on it; a crashed one's lease simply ends."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    # Every write is `... WHERE version = the one that was read`: whoever worked too slowly on a lease that ended finds
    # then, and overwrites nothing. store.keep counts and compares; whatever else writes one, SQLAlchemy compares.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012 (SQLAlchemy's form)
