"""The tables of carts and their lines."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from orders.adapters.rds.base import Base


class Cart(Base):
    """One shopper's cart. `version` moves with every change, so that a form filled from an older cart is noticed."""

    __tablename__ = "carts"
    __table_args__ = (
        Index("ix_carts_touched", "touched_at"),
        Index("ix_carts_customer", "customer_id", unique=True, postgresql_where=text("customer_id <> ''")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    customer_id: Mapped[str] = mapped_column(String(36), default="", server_default="")
    currency: Mapped[str] = mapped_column(String(3))
    coupon_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """What the shopper typed, tidied. It is a wish: whether it counts is asked anew at every look."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    touched_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """The last change; a cart untouched for settings.cart_ttl_days has expired."""

    lines: Mapped[list[CartLine]] = relationship(
        order_by="CartLine.id", cascade="all, delete-orphan", lazy="selectin"
    )


class CartLine(Base):
    """Pieces of one SKU in a cart, with the unit price that the shopper saw last."""

    __tablename__ = "cart_lines"
    __table_args__ = (
        UniqueConstraint("cart_id", "sku"),
        CheckConstraint("quantity > 0 AND seen_price_minor >= 0", name="positive"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    cart_id: Mapped[UUID] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int] = mapped_column(Integer)
    seen_price_minor: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
