"""Staff sessions on the server: begun, found by their cookie, upgraded by the second factor, listed and revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from flask import Response, request
from sqlalchemy import select, update

from orders.domain.ids import uuid7
from webapp.console.people.models import Staff, StaffSession
from webapp.extensions import db
from webapp.wiring import wiring

COOKIE = "cartwright_staff"
LIFETIME = timedelta(days=7)
"""A session ends after this, used or not."""
IDLE_TIME = timedelta(hours=12)
"""A session that nobody used for this long ends: one working day."""
CODE_TIME = timedelta(minutes=5)
"""How long a password stays good while the second factor is looked up."""
SEEN_EVERY = timedelta(minutes=1)
"""`last_seen_at` is written at most this often, so that reading a page writes nothing."""


def hash_token(token: str) -> str:
    """What is stored of a random token. It has 256 bits: a plain hash is enough, no salt, no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin_session(staff: Staff, *, is_verified: bool) -> str:
    """Begin a session and return its token for the cookie."""
    token, now = secrets.token_urlsafe(32), wiring().clock.now()
    db.session.add(
        StaffSession(
            id=UUID(uuid7(now)),
            token_hash=hash_token(token),
            staff_id=staff.id,
            verified_at=now if is_verified else None,
            created_at=now,
            last_seen_at=now,
            expires_at=now + (LIFETIME if is_verified else CODE_TIME),
            ip=request.remote_addr or "",
            user_agent=request.user_agent.string[:300],
        )
    )
    return token


def set_cookie(response: Response, token: str) -> None:
    """Give the browser its token: unreadable for scripts, not sent along from other sites."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/console",
        httponly=True,
        samesite="Lax",
        secure=not wiring().settings.is_local,
    )


def find_session(*, is_verified: bool = True) -> StaffSession | None:
    """The live session of this request's cookie, or None. Notes that it was seen."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    found = db.session.scalar(select(StaffSession).where(StaffSession.token_hash == hash_token(token)))
    now = wiring().clock.now()
    if (
        found is None
        or (found.verified_at is not None) != is_verified
        or found.revoked_at is not None
        or found.expires_at <= now
        or found.last_seen_at + IDLE_TIME <= now
        or not found.staff.is_active
    ):
        return None
    if found.last_seen_at + SEEN_EVERY <= now:
        found.last_seen_at = now
        db.session.commit()
    return found


def live_sessions(staff: Staff) -> Sequence[StaffSession]:
    """The sessions of a member of staff that still open the console, last used first."""
    now = wiring().clock.now()
    return db.session.scalars(
        select(StaffSession)
        .where(
            StaffSession.staff_id == staff.id,
            StaffSession.verified_at.is_not(None),
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE_TIME,
        )
        .order_by(StaffSession.last_seen_at.desc())
    ).all()


def revoke_sessions(staff_id: UUID, *, only: UUID | None = None, but: UUID | None = None) -> int:
    """End sessions of a member of staff: one of them, all but one, or all. Returns how many ended."""
    statement = (
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
        .values(revoked_at=wiring().clock.now())
    )
    if only is not None:
        statement = statement.where(StaffSession.id == only)
    if but is not None:
        statement = statement.where(StaffSession.id != but)
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]
