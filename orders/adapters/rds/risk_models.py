"""The tables of risk: the shop's rules, and what they said of which order."""

from __future__ import annotations

from datetime import datetime
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
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base
from orders.adapters.rds.models import one_of
from orders.domain.risk import HoldKind, RiskKind


class RiskRuleRow(Base):
    """One rule for new orders. A change is for the orders that come after it."""

    __tablename__ = "risk_rules"
    __table_args__ = (
        CheckConstraint(one_of("kind", RiskKind), name="kind"),
        CheckConstraint(one_of("hold_kind", HoldKind), name="hold_kind"),
        CheckConstraint("hold_hours >= 0 AND limit_minor >= 0 AND count >= 0 AND hours >= 0", name="sane"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    is_on: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    holds: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    hold_kind: Mapped[str] = mapped_column(String(20))
    hold_hours: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    limit_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    hours: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    countries: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    updated_by: Mapped[str] = mapped_column(String(80), default="", server_default="")


class RiskHitRow(Base):
    """What one rule said of one order when it came in."""

    __tablename__ = "risk_hits"
    __table_args__ = (Index("ix_risk_hits_order", "order_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    rule: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(Text)
    holds: Mapped[bool] = mapped_column(Boolean)
    hold_kind: Mapped[str] = mapped_column(String(20))
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
