"""The tables of bulk work and of the daily figures: what staff asked to be done to many orders, and the shop per day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base


class BulkJob(Base):
    """One action on many orders, asked for by one person. Its progress is its rows."""

    __tablename__ = "bulk_jobs"
    __table_args__ = (Index("ix_bulk_jobs_created", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    action: Mapped[str] = mapped_column(String(20))
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    asked_by: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(Text, default="", server_default="")
    """The search whose result was chosen, for people to read."""
    total: Mapped[int] = mapped_column(Integer)
    rounds: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    """How often the work was begun: once, and again for each retry of the failed rows."""
    correlation_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class BulkRow(Base):
    """One order of a bulk job and what became of it."""

    __tablename__ = "bulk_rows"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'done', 'failed')", name="status"),
        Index("ix_bulk_rows_pending", "job_id", "order_id", postgresql_where=text("status = 'pending'")),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("bulk_jobs.id", ondelete="CASCADE"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    status: Mapped[str] = mapped_column(String(10), default="pending", server_default="pending")
    detail: Mapped[str] = mapped_column(Text, default="", server_default="")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    """What belongs to this order alone, such as its tracking number."""
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class JobFile(Base):
    """A part of the file that a bulk job writes. Each part is whole: a job that breaks off goes on after the last one."""

    __tablename__ = "job_files"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("bulk_jobs.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    rows: Mapped[int] = mapped_column(Integer)
    """How many orders are in this part."""
    cursor: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Where the next part begins."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SalesDay(Base):
    """The shop on one day (UTC) in one currency: a tally that the worker keeps, so that the dashboard counts nothing."""

    __tablename__ = "sales_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    orders: Mapped[int] = mapped_column(Integer)
    revenue_minor: Mapped[int] = mapped_column(BigInteger)
    """What the orders of the day are worth that were not cancelled and did not expire."""
    ended_early: Mapped[int] = mapped_column(Integer)
    """Orders of the day that were cancelled or expired."""
    shipped: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    counted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
