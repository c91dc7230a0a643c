"""The tables of carriers: the labels that the shop bought, and the books of the embedded carrier."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base


class LabelRow(Base):
    """A label that a carrier made for an order: bought once per id, printed as often as it jams."""

    __tablename__ = "shipping_labels"
    __table_args__ = (
        Index("ix_shipping_labels_order", "order_id", "created_at"),
        Index("ix_shipping_labels_number", "carrier", "tracking_number", unique=True),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    carrier: Mapped[str] = mapped_column(String(40))
    tracking_number: Mapped[str] = mapped_column(String(80))
    tracking_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    document: Mapped[bytes] = mapped_column(LargeBinary)
    """The PDF as the carrier made it."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(String(80))


class PostParcel(Base):
    """The embedded carrier's own books. It plays an outside company: no foreign key, its own transactions."""

    __tablename__ = "post_parcels"

    tracking_number: Mapped[str] = mapped_column(String(20), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True)
    reference: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str] = mapped_column(String(120))
    recipient: Mapped[dict[str, Any]] = mapped_column(JSONB)
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
