"""Invitations: a link for one use, good for three days, that makes an account with the role it names."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from orders.domain.errors import NotFound
from orders.domain.ids import uuid7
from webapp.console.people.accounts import AccountRefused, create_staff, find_staff
from webapp.console.people.models import Staff, StaffInvitation
from webapp.console.people.sessions import hash_token
from webapp.console.permissions import Role

GOOD_FOR = timedelta(days=3)


def invite(session: Session, *, email: str, role: Role, by: Staff, now: datetime) -> str:
    """Invite somebody and return the link's token, which is stored nowhere. An earlier invitation ends.

    Raises AccountRefused when the e-mail has an account.
    """
    folded = email.strip().lower()
    if find_staff(session, folded) is not None:
        raise AccountRefused(f"{folded} has an account already")
    session.execute(
        update(StaffInvitation)
        .where(
            StaffInvitation.email == folded,
            StaffInvitation.accepted_at.is_(None),
            StaffInvitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        StaffInvitation(
            id=UUID(uuid7(now)),
            token_hash=hash_token(token),
            email=folded,
            role=str(role),
            invited_by=by.id,
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
    )
    return token


def open_invitation(session: Session, token: str, now: datetime, *, lock: bool = False) -> StaffInvitation:
    """The invitation behind a link. Raises NotFound when it was used, withdrawn, has ended or never was."""
    statement = select(StaffInvitation).where(
        StaffInvitation.token_hash == hash_token(token),
        StaffInvitation.accepted_at.is_(None),
        StaffInvitation.withdrawn_at.is_(None),
        StaffInvitation.expires_at > now,
    )
    found = session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound("this invitation was used, withdrawn or has ended; ask for a new one")
    return found


def accept(session: Session, token: str, *, name: str, password: str, now: datetime) -> Staff:
    """Make the account that was offered. Of two browsers with one link, one gets it (the row is locked)."""
    invitation = open_invitation(session, token, now, lock=True)
    staff = create_staff(
        session, email=invitation.email, name=name, role=Role(invitation.role), password=password, now=now
    )
    invitation.accepted_at = now
    return staff
