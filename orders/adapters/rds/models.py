"""The tables of orders, money and promises. Statuses are text with CHECK constraints derived from the domain's enums.

Amounts are whole minor units in bigint columns; times are timestamptz. Addresses and contact are columns of the
order, copied from the request: an order keeps what it was placed with when the account changes later.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base
from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus
from orders.ports import AttemptStatus, Effect


def one_of(column: str, values: Iterable[StrEnum]) -> str:
    """The SQL condition that a column holds one of an enum's values."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Order(Base):
    """One order: what was asked for, what it costs, and where it stands."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint(one_of("payment_status", PaymentStatus), name="payment_status"),
        CheckConstraint(one_of("fulfilment_status", FulfilmentStatus), name="fulfilment_status"),
        CheckConstraint("total_minor >= 0 AND version >= 1", name="sane"),
        Index("ix_orders_number", "number"),
        Index("ix_orders_email", text("lower(email)")),
        Index("ix_orders_customer", "customer_id", "placed_at"),
        Index("ix_orders_hold_until", "hold_until", postgresql_where=text("hold_until IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(Integer, default=1)
    status: Mapped[str] = mapped_column(String(16))
    payment_status: Mapped[str] = mapped_column(String(16))
    fulfilment_status: Mapped[str] = mapped_column(String(16))
    is_held: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    hold_reason: Mapped[str] = mapped_column(String(40), default="", server_default="")
    hold_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    currency: Mapped[str] = mapped_column(String(3))
    subtotal_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    discount_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    shipping_minor: Mapped[int] = mapped_column(BigInteger)
    shipping_tax_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    tax_code: Mapped[str] = mapped_column(String(40))
    tax_rate_ppm: Mapped[int] = mapped_column(Integer)
    tax_is_inclusive: Mapped[bool] = mapped_column(Boolean)
    shipping_code: Mapped[str] = mapped_column(String(40))
    shipping_name: Mapped[str] = mapped_column(String(80))
    customer_id: Mapped[str] = mapped_column(String(36), default="", server_default="")
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(20), default="", server_default="")
    wants_sms: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    locale: Mapped[str] = mapped_column(String(12), default="en", server_default="en")
    country: Mapped[str] = mapped_column(String(2))
    shipping_address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    billing_address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payment_provider: Mapped[str] = mapped_column(String(20))
    payment_reference: Mapped[str] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    client: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class OrderLine(Base):
    """One line of an order, with its amounts for the full quantity and how many pieces have left, come back, been taken off
    before they left (cancelled), or been paid back (refunded)."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "sku"),
        CheckConstraint("quantity > 0 AND unit_price_minor >= 0", name="positive"),
        CheckConstraint(
            "shipped >= 0 AND cancelled >= 0 AND shipped + cancelled <= quantity"
            " AND restocked >= 0 AND restocked <= returned AND returned <= shipped"
            " AND refunded >= 0 AND refunded + cancelled <= quantity",
            name="counts",
        ),
        Index("ix_order_lines_sku_order", "sku", "order_id"),
        Index("ix_order_lines_hold_until", "hold_until", postgresql_where=text("hold_until IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    position: Mapped[int] = mapped_column(SmallInteger)
    sku: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price_minor: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(200))
    variant: Mapped[str] = mapped_column(String(120), default="", server_default="")
    product_slug: Mapped[str] = mapped_column(String(120), default="", server_default="")
    image: Mapped[str] = mapped_column(String(200), default="", server_default="")
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    shipped: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    returned: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    restocked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    cancelled: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    refunded: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    hold_reason: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """Why the line stays in the house while the rest of the order goes on; empty when it does not."""
    hold_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LedgerEntry(Base):
    """One side of a posting. The sum over a posting's entries is zero (checked by the doctor and the domain)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (UniqueConstraint("order_id", "posting_key", "account"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    posting_key: Mapped[str] = mapped_column(String(80))
    account: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TimelineEvent(Base):
    """What happened to an order, who did it and why. Append-only."""

    __tablename__ = "timeline_events"
    __table_args__ = (UniqueConstraint("order_id", "version", "type"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    version: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")


class InboxMessage(Base):
    """A message that was applied. Its row is in the transaction of its effect, so the effect happens once."""

    __tablename__ = "inbox"

    message_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    job: Mapped[str] = mapped_column(String(60))
    applied_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class Outbox(Base):
    """An effect that a transaction promised. `seq` keeps one order's effects in order; done rows are deleted."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(one_of("effect", Effect), name="effect"),
        Index("ix_outbox_due", "due_at", "seq"),
        Index("ix_outbox_order", "order_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(String(140))
    effect: Mapped[str] = mapped_column(String(20))
    order_id: Mapped[UUID] = mapped_column(Uuid)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_error: Mapped[str] = mapped_column(Text, default="", server_default="")


class PaymentAttemptRow(Base):
    """One call to a payment provider, written before the call. No foreign key: it exists before its order does."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint(one_of("status", AttemptStatus), name="status"),
        Index("ix_payment_attempts_order", "order_id", "created_at"),
        Index(
            "ix_payment_attempts_open",
            "created_at",
            postgresql_where=text("status IN ('pending', 'requires_action')"),
        ),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(16))
    provider: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(80), default="", server_default="")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20))
    decline_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    detail: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class QuarantinedMessage(Base):
    """A message that failed for good: what it was, why, and whether it was replayed since (rows W3, W10)."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("ix_quarantine_open", "failed_at", postgresql_where=text("resolved_at IS NULL")),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    queue: Mapped[str] = mapped_column(String(40))
    job: Mapped[str] = mapped_column(String(60))
    order_id: Mapped[str] = mapped_column(String(36), default="", server_default="")
    body: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    traceback: Mapped[str] = mapped_column(Text, default="", server_default="")
    attempts: Mapped[int] = mapped_column(Integer)
    release: Mapped[str] = mapped_column(String(60), default="", server_default="")
    failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolution: Mapped[str] = mapped_column(String(20), default="", server_default="")


class TestCharge(Base):
    """The embedded test provider's own books. It plays an outside company: no foreign key, its own transactions."""

    __tablename__ = "test_provider_charges"
    __test__ = False

    reference: Mapped[str] = mapped_column(String(40), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(36))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20))
    card: Mapped[str] = mapped_column(String(30))
    return_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class TestProviderCall(Base):
    """The embedded test provider's memory of idempotency keys: the same key gets the same answer."""

    __tablename__ = "test_provider_calls"
    __test__ = False

    idempotency_key: Mapped[str] = mapped_column(String(120), primary_key=True)
    operation: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
