"""The tables of coupons and of the uses that orders hold."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base
from orders.adapters.rds.models import one_of
from orders.domain.coupon import CouponKind


class CouponRow(Base):
    """One coupon. `used` is the number of its rows in coupon_uses; both move in one transaction."""

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint(one_of("kind", CouponKind), name="kind"),
        CheckConstraint("code = upper(code)", name="code_is_upper"),
        CheckConstraint("used >= 0 AND (max_uses IS NULL OR used <= max_uses)", name="used"),
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000 AND amount_minor >= 0", name="gives"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    rate_ppm: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    amount_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    minimum_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    max_uses: Mapped[int | None] = mapped_column(Integer)
    max_uses_per_customer: Mapped[int | None] = mapped_column(Integer)
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """What it is for, for the staff."""
    created_by: Mapped[str] = mapped_column(String(254), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CouponUse(Base):
    """One use that an order holds, from the click on "place" until the order ends early. No foreign key to the order:
    the use is claimed before the order exists."""

    __tablename__ = "coupon_uses"
    __table_args__ = (Index("ix_coupon_uses_customer", "code", "customer_key"),)

    order_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey("coupons.code", ondelete="RESTRICT"))
    customer_key: Mapped[str] = mapped_column(String(64))
    """A hash of code and e-mail address: enough to count by, worthless to read."""
    claimed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
