"""Saved views: a search under a name, one's own or everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders.domain.ids import uuid7
from webapp.console.orders.models import SavedView
from webapp.console.people.models import Staff

BUILT_IN = (
    (
        "To do",
        "status=placed&status=confirmed&fulfilment=unfulfilled&fulfilment=picking&fulfilment=partly_shipped&hold=free&sort=placed",
    ),
    ("On hold", "hold=held&sort=placed"),
    ("Payment failed", "payment=failed"),
    ("To pick", "status=confirmed&fulfilment=unfulfilled&hold=free&sort=placed"),
    ("All", ""),
)
"""The views that every shop needs; they are nobody's and cannot be removed."""


def views_for(session: Session, staff: Staff) -> Sequence[SavedView]:
    """One's own views and everybody's, by name."""
    return session.scalars(
        select(SavedView)
        .where(or_(SavedView.staff_id == staff.id, SavedView.is_shared))
        .order_by(SavedView.name, SavedView.id)
    ).all()


def save_view(
    session: Session, staff: Staff, *, name: str, query: str, is_shared: bool, now: datetime
) -> None:
    """Keep a search under a name; the same name again replaces it."""
    values = {"query": query, "is_shared": is_shared}
    session.execute(
        insert(SavedView)
        .values(id=UUID(uuid7(now)), staff_id=staff.id, name=name, created_at=now, **values)
        .on_conflict_do_update(index_elements=["staff_id", "name"], set_=values)
    )


def remove_view(session: Session, staff: Staff, view_id: UUID) -> bool:
    """Remove one of one's own views. False when it is not there or somebody else's."""
    removed = session.execute(
        delete(SavedView).where(SavedView.id == view_id, SavedView.staff_id == staff.id)
    )
    return bool(removed.rowcount)  # type: ignore[attr-defined]
