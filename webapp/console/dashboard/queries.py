"""What the dashboard reads: the daily figures that the worker keeps, the open orders, the workers. Nothing is counted over
all orders while somebody waits for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.bulk_job_models import SalesDay
from orders.adapters.rds.job_models import JobRecord, WorkerRow
from orders.adapters.rds.models import Order, Outbox, QuarantinedMessage
from orders.domain.ids import Sku

FRESH_FOR = timedelta(minutes=5)
"""Older figures are asked for anew when somebody looks at them."""
PERIODS = (7, 30, 90)


@dataclass(frozen=True, slots=True)
class Day:
    """The figures of one day in one currency."""

    day: date
    orders: int = 0
    revenue_minor: int = 0
    ended_early: int = 0
    shipped: int = 0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """A period, the one before it, and when it was counted."""

    days: Sequence[Day]
    before: Sequence[Day]
    counted_at: datetime | None

    def total(self, name: str) -> int:
        """The sum of a figure over the period."""
        return sum(int(getattr(day, name)) for day in self.days)

    def change(self, name: str) -> int | None:
        """The change against the period before in percent, or None when there is nothing to compare with."""
        before = sum(int(getattr(day, name)) for day in self.before)
        return round((self.total(name) - before) * 100 / before) if before else None


def figures(session: Session, now: datetime, days: int, currency: str) -> Figures:
    """The daily figures of the last `days` days and of as many before; today is counted on the spot."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=2 * days - 1)
    rows = session.scalars(select(SalesDay).where(SalesDay.day >= first, SalesDay.currency == currency)).all()
    known = {
        row.day: Day(row.day, row.orders, row.revenue_minor, row.ended_early, row.shipped, row.delivered)
        for row in rows
    }
    known[today] = _today(session, today, currency)
    everything = [
        known.get(first + timedelta(days=n)) or Day(first + timedelta(days=n)) for n in range(2 * days)
    ]
    return Figures(everything[days:], everything[:days], max((row.counted_at for row in rows), default=None))


def _today(session: Session, today: date, currency: str) -> Day:
    ended = Order.status.in_(("cancelled", "expired"))
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((ended, 0), else_=Order.total_minor)), 0),
            func.count().filter(ended),
            func.count().filter(Order.fulfilment_status.in_(("shipped", "delivered"))),
            func.count().filter(Order.fulfilment_status == "delivered"),
        ).where(Order.placed_at >= datetime.combine(today, time(), UTC), Order.currency == currency)
    ).one()
    return Day(today, *(int(value) for value in row))


@dataclass(frozen=True, slots=True)
class LowStock:
    """What runs low as the worker saw it last: the fewest first, how many SKUs in all, and when it looked."""

    skus: Sequence[tuple[Sku, int]]
    count: int
    looked_at: datetime


def low_stock(session: Session) -> LowStock | None:
    """The worker's last list, or None when it made none yet."""
    last = session.scalars(
        select(JobRecord)
        .where(JobRecord.job == "list_low_stock", JobRecord.status == "succeeded")
        .order_by(JobRecord.updated_at.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    value = (last.result or {}).get("value") or {}
    skus = [(Sku(sku), int(available)) for sku, available in value.get("low", ())]
    return LowStock(skus, int(value.get("count", len(skus))), last.updated_at)


def workers(session: Session) -> Sequence[WorkerRow]:
    """The worker processes, the ones seen last first."""
    return session.scalars(select(WorkerRow).order_by(WorkerRow.seen_at.desc()).limit(20)).all()


def waiting(session: Session) -> Mapping[str, object]:
    """Effects that wait in the outbox, and messages in quarantine."""
    count, oldest = session.execute(select(func.count(), func.min(Outbox.created_at))).one()
    failed = session.scalar(
        select(func.count()).select_from(QuarantinedMessage).where(QuarantinedMessage.resolved_at.is_(None))
    )
    return {"outbox": count, "outbox_oldest": oldest, "quarantine": failed or 0}
