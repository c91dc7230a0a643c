"""Bulk work as the console asks for it and shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.orm import Session

from orders.adapters.rds.bulk_job_models import BulkJob, BulkRow
from orders.adapters.rds.bulk_jobs import row_counts
from orders.adapters.rds.job_files import rows_written
from orders.adapters.rds.models import Order
from orders.adapters.rds.order_finding import conditions_of
from orders.adapters.rds.order_search import OrderSearch
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from webapp.console.orders.actions import ACTIONS
from webapp.console.permissions import Permission

_P = Permission
BULK_MENU: Mapping[str, tuple[str, Permission]] = {
    "pick": ("start picking", _P.ORDERS_FULFIL),
    "unpick": ("stop picking", _P.ORDERS_FULFIL),
    "ship": ("ship all that is left", _P.ORDERS_FULFIL),
    "deliver": ("mark delivered", _P.ORDERS_FULFIL),
    "print": ("print papers", _P.ORDERS_FULFIL),
    "hold": ("hold", _P.ORDERS_HOLD),
    "release": ("release", _P.ORDERS_HOLD),
    "cancel": ("cancel", _P.ORDERS_CANCEL),
}
_OTHERS = {"export": "export as CSV", "track": "import tracking numbers"}
"""Bulk jobs that are begun elsewhere than in the list's menu."""
ROWS_SHOWN = 500
WRITES_FILE = frozenset({"print", "export"})


@dataclass(frozen=True, slots=True)
class BulkView:
    """A bulk job and how far it is."""

    job: BulkJob
    done: int
    failed: int
    pending: int

    @property
    def state(self) -> str:
        """One word: queued, running, done, partly_done (with failed rows) or failed (nothing but those)."""
        if self.pending and not (self.done or self.failed):
            return "queued"
        if self.pending:
            return "running"
        if self.job.finished_at is None and self.job.action in WRITES_FILE:
            return "queued" if not self.done else "running"
        if not self.failed:
            return "done"
        return "partly_done" if self.done else "failed"

    @property
    def name(self) -> str:
        """What it does, in words: `ship all that is left`."""
        return spoken(self.job.action)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.pending and (self.job.action not in WRITES_FILE or self.job.finished_at is not None)


def spoken(action: str) -> str:
    """A bulk action in words."""
    return BULK_MENU[action][0] if action in BULK_MENU else _OTHERS.get(action, action)


@dataclass(frozen=True, slots=True)
class Group:
    """The chosen orders that are in one state, and one of them as an example."""

    state: OrderState
    count: int
    sample: UUID
    is_possible: bool
    """Whether the state machine lets the action happen; the others are left alone."""


def groups_of(session: Session, chosen: Select[Any], action: str) -> list[Group]:
    """The chosen orders by their state: what is possible first, then the many before the few."""
    some = chosen.subquery()
    state = (Order.status, Order.payment_status, Order.fulfilment_status, Order.is_held)
    sample = func.min(cast(Order.id, Text))
    rows = session.execute(
        select(*state, func.count(), sample).join(some, some.c.id == Order.id).group_by(*state)
    )
    found = []
    for status, payment, fulfilment, is_held, count, one in rows:
        now = OrderState(OrderStatus(status), PaymentStatus(payment), FulfilmentStatus(fulfilment), is_held)
        found.append(Group(now, count, UUID(one), action == "print" or ACTIONS[action].is_allowed(now)))
    return sorted(found, key=lambda group: (not group.is_possible, -group.count))


def chosen_orders(session: Session, search: OrderSearch | None, ids: Sequence[UUID]) -> Select[Any]:
    """The orders of a bulk job: the whole result of a search, or those that were ticked."""
    if search is None:
        return select(Order.id).where(Order.id.in_(ids)).order_by(Order.placed_at)
    return select(Order.id).where(*conditions_of(session, search)).order_by(Order.placed_at)


def bulk_views(session: Session, limit: int = 50) -> Sequence[BulkView]:
    """The latest bulk jobs with their progress."""
    jobs = session.scalars(
        select(BulkJob).order_by(BulkJob.created_at.desc(), BulkJob.id.desc()).limit(limit)
    ).all()
    return _viewed(session, jobs)


def bulk_view(session: Session, job_id: UUID) -> BulkView | None:
    """One bulk job, or None."""
    job = session.get(BulkJob, job_id)
    return _viewed(session, [job])[0] if job else None


def _viewed(session: Session, jobs: Sequence[BulkJob]) -> list[BulkView]:
    counts = row_counts(session.connection(), [job.id for job in jobs]) if jobs else {}
    exports = [job.id for job in jobs if job.action == "export"]
    written = rows_written(session.connection(), exports) if exports else {}
    return [
        BulkView(job, written.get(job.id, 0), 0, max(0, job.total - written.get(job.id, 0)))
        if job.action == "export"
        else BulkView(
            job, *(counts.get(job.id, {}).get(status, 0) for status in ("done", "failed", "pending"))
        )
        for job in jobs
    ]


def bulk_rows(session: Session, job_id: UUID, status: str = "") -> Sequence[Any]:
    """What became of each order, failed ones first."""
    statement = (
        select(BulkRow.order_id, BulkRow.status, BulkRow.detail, BulkRow.done_at, Order.number, Order.name)
        .join(Order, Order.id == BulkRow.order_id)
        .where(BulkRow.job_id == job_id)
        .order_by(BulkRow.status.desc() if not status else BulkRow.order_id, BulkRow.order_id)
        .limit(ROWS_SHOWN)
    )
    return session.execute(statement.where(BulkRow.status == status) if status else statement).all()
