"""The table of saved views, and the indexes of the order list."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, String, Text, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base
from orders.adapters.rds.fulfilment_models import ShipmentRow
from orders.adapters.rds.models import Order


class SavedView(Base):
    """A search that somebody wants again: their own, or shared with everybody. `query` is the page's query string."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_staff", "staff_id", "name", unique=True),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)
    is_shared: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


# The order list's indexes stand here, beside the queries that need them (queries.py). Each ends in (placed_at, id): a
# filter and the next page are one range of one index. They are on the core's tables, in the same metadata.
for _column in (
    Order.status,
    Order.payment_status,
    Order.fulfilment_status,
    Order.country,
    Order.shipping_code,
):
    Index(f"ix_orders_{_column.key}_placed", _column, Order.placed_at, Order.id)
Index("ix_orders_held", Order.placed_at, Order.id, postgresql_where=text("is_held"))
_LOOKED_AT = ["status", "payment_status", "fulfilment_status", "is_held", "country", "shipping_code"]
"""Filters whose columns are in the index of an order of rows: what is passed over is never fetched."""
Index("ix_orders_by_placed", Order.placed_at, Order.id, postgresql_include=[*_LOOKED_AT, "total_minor"])
Index("ix_orders_by_total", Order.total_minor, Order.id, postgresql_include=[*_LOOKED_AT, "placed_at"])
Index(
    "ix_orders_states",
    Order.status,
    Order.payment_status,
    Order.fulfilment_status,
    Order.country,
    Order.shipping_code,
    Order.placed_at,
    Order.id,
    postgresql_include=["is_held", "total_minor"],
)
Index(
    "ix_orders_to_do",
    Order.placed_at,
    Order.id,
    postgresql_where=text(
        "status IN ('placed', 'confirmed') AND fulfilment_status IN ('unfulfilled', 'picking', 'partly_shipped')"
    ),
)
Index(
    "ix_orders_payment_total",
    Order.payment_status,
    Order.total_minor,
    Order.id,
    postgresql_where=text("payment_status <> 'captured'"),
)
Index(
    "ix_orders_open",
    Order.is_held,
    Order.fulfilment_status,
    Order.payment_status,
    Order.status,
    Order.updated_at,
    Order.id,
    postgresql_where=text("status IN ('placed', 'confirmed')"),
)
Index(
    "ix_orders_email_prefix",
    func.lower(Order.email).label("email"),
    postgresql_ops={"email": "text_pattern_ops"},
)
Index("ix_orders_name_words", func.to_tsvector(text("'simple'"), Order.name), postgresql_using="gin")
Index(
    "ix_shipments_tracking_number",
    ShipmentRow.tracking_number,
    postgresql_where=text("tracking_number <> ''"),
)
