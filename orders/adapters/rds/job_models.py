"""The tables of the worker: jobs for later, results that were asked for, who is at work and which queues rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.adapters.rds.base import Base


class ScheduledJob(Base):
    """A job that is due later than SQS can wait (15 minutes), or again and again.

    `every_seconds` is 0 for a job that runs once; a repeating job moves its own `due_at` on.
    """

    __tablename__ = "scheduled_jobs"
    __table_args__ = (
        CheckConstraint("every_seconds >= 0", name="every"),
        Index("ix_scheduled_jobs_due", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    queue: Mapped[str] = mapped_column(String(40))
    message: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    every_seconds: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    runs: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class JobRecord(Base):
    """What became of a job whose result somebody wants to see; the others leave only their effect and a log line."""

    __tablename__ = "job_records"
    __table_args__ = (Index("ix_job_records_updated", "updated_at"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    job: Mapped[str] = mapped_column(String(60))
    queue: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    progress: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    total: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str] = mapped_column(Text, default="", server_default="")
    enqueued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class UniqueJob(Base):
    """The claim of a unique job: while it stands, the same job is not enqueued again."""

    __tablename__ = "unique_jobs"

    key: Mapped[str] = mapped_column(String(140), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class WorkerRow(Base):
    """One worker process, as it reported last."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    host: Mapped[str] = mapped_column(String(120))
    pid: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16))
    queues: Mapped[dict[str, Any]] = mapped_column(JSONB)
    running: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    held: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    failed: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    rate_per_minute: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    release: Mapped[str] = mapped_column(String(60), default="", server_default="")
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    stop_requested: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class QueueControl(Base):
    """An order of the staff to the workers: leave this queue alone until it is resumed."""

    __tablename__ = "queue_controls"
    __table_args__ = (CheckConstraint("state IN ('paused', 'draining')", name="state"),)

    queue: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    changed_by: Mapped[str] = mapped_column(String(80), default="", server_default="")
