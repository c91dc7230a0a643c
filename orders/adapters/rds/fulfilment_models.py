"""The tables of what leaves the house and what comes back: shipments and returns, each with its lines."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base
from orders.adapters.rds.models import one_of
from orders.ports import ReturnStatus


class ShipmentRow(Base):
    """One parcel. Its id is chosen by whoever asks for it, so that a repeat ships nothing twice."""

    __tablename__ = "shipments"
    __table_args__ = (Index("ix_shipments_order", "order_id", "shipped_at"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    carrier: Mapped[str] = mapped_column(String(40), default="", server_default="")
    tracking_number: Mapped[str] = mapped_column(String(80), default="", server_default="")
    tracking_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    warehouse: Mapped[str] = mapped_column(String(16), default="", server_default="")
    shipped_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ShipmentLine(Base):
    """Pieces of one SKU in a parcel."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="positive"),)

    shipment_id: Mapped[str] = mapped_column(
        ForeignKey("shipments.id", ondelete="RESTRICT"), primary_key=True
    )
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)


class ReturnRow(Base):
    """One return merchandise authorisation (RMA): asked for, decided, received."""

    __tablename__ = "returns"
    __table_args__ = (
        CheckConstraint(one_of("status", ReturnStatus), name="status"),
        Index("ix_returns_order", "order_id", "requested_at"),
        Index("ix_returns_open", "requested_at", postgresql_where="status IN ('requested', 'approved')"),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(40))
    comment: Mapped[str] = mapped_column(Text, default="", server_default="")
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ReturnLine(Base):
    """Pieces of one SKU in a return; of the received ones some are for sale again, the others written off."""

    __tablename__ = "return_lines"
    __table_args__ = (
        CheckConstraint(
            "quantity > 0 AND restocked >= 0 AND written_off >= 0 AND restocked + written_off <= quantity",
            name="counts",
        ),
    )

    return_id: Mapped[str] = mapped_column(ForeignKey("returns.id", ondelete="RESTRICT"), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    restocked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    written_off: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
