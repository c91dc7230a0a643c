"""What the pages about people read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.console.people.models import Staff, StaffAction, StaffInvitation


def all_staff(session: Session) -> Sequence[Staff]:
    """Everybody, active first, by name."""
    return session.scalars(select(Staff).order_by(Staff.is_active.desc(), Staff.name, Staff.id)).all()


def open_invitations(session: Session, now: datetime) -> Sequence[StaffInvitation]:
    """Invitations that can still be accepted, newest first."""
    return session.scalars(
        select(StaffInvitation)
        .where(
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
            StaffInvitation.expires_at > now,
        )
        .order_by(StaffInvitation.created_at.desc())
    ).all()


def actions(
    session: Session, *, before_id: int | None = None, subject: str = "", limit: int = 100
) -> Sequence[StaffAction]:
    """The audit, newest first; `before_id` pages on, `subject` narrows it to one thing."""
    statement = select(StaffAction).order_by(StaffAction.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(StaffAction.id < before_id)
    if subject:
        statement = statement.where(StaffAction.subject == subject)
    return session.scalars(statement).all()
