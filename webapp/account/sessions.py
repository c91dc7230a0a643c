"""Shoppers' sessions on the server: begun with a new token, found by their cookie, listed and revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from flask import g, has_request_context, request
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from orders.domain.ids import uuid7
from orders.settings import Settings
from webapp.account.models import Customer, CustomerSession
from webapp.extensions import db
from webapp.refusals import known_as
from webapp.wiring import wiring

LIFETIME = timedelta(days=60)
"""A session ends after this, used or not."""
IDLE_TIME = timedelta(days=14)
"""A session that nobody used for this long ends. What matters most asks for the password again (door.py)."""
SEEN_EVERY = timedelta(minutes=5)
"""`last_seen_at` is written at most this often, so that reading a page writes nothing."""


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to https; a laptop has no https."""
    return "account" if settings.is_local else "__Host-account"


def hash_token(token: str) -> str:
    """What is stored of a random token. It has 256 bits: a plain hash is enough, no salt, no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin_session(customer: Customer) -> str:
    """Begin a session and return its token; the browser's earlier session ends. The caller commits."""
    now, token = wiring().clock.now(), secrets.token_urlsafe(32)
    earlier = current_session()
    if earlier is not None:
        earlier.revoked_at = now
    found = CustomerSession(
        id=UUID(uuid7(now)),
        token_hash=hash_token(token),
        customer_id=customer.id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + LIFETIME,
        ip=(request.remote_addr or "")[:45],
        user_agent=request.user_agent.string[:300],
        customer=customer,
    )
    db.session.add(found)
    g.customer_session = found
    return token


def write_cookie(response: Response, token: str) -> None:
    """Give the browser its token: unreadable for scripts, not sent along from other sites."""
    settings = wiring().settings
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=not settings.is_local,
    )


def drop_cookie(response: Response) -> None:
    """Forget the session in this browser."""
    settings = wiring().settings
    response.delete_cookie(
        cookie_name(settings), path="/", httponly=True, samesite="Lax", secure=not settings.is_local
    )


def current_session() -> CustomerSession | None:
    """The live session of this request's cookie, or None. Looked up once per request; notes that it was seen."""
    if not has_request_context():
        return None
    if "customer_session" not in g:
        g.customer_session = _find()
        if g.customer_session is not None:
            known_as("customer", g.customer_session.customer_id)
    found: CustomerSession | None = g.customer_session
    return found


def current_customer() -> Customer | None:
    """Who is signed in, or None."""
    found = current_session()
    return found.customer if found else None


def current_customer_id() -> str:
    """The id of who is signed in, empty for a guest: what carts and orders carry."""
    found = current_session()
    return found.customer_id if found else ""


def _find() -> CustomerSession | None:
    token = request.cookies.get(cookie_name(wiring().settings), "")
    if not token or len(token) > 100:
        return None
    now = wiring().clock.now()
    found = db.session.scalar(
        select(CustomerSession).where(
            CustomerSession.token_hash == hash_token(token),
            CustomerSession.revoked_at.is_(None),
            CustomerSession.expires_at > now,
            CustomerSession.last_seen_at > now - IDLE_TIME,
        )
    )
    if found is not None and found.last_seen_at + SEEN_EVERY <= now:
        found.last_seen_at = now
        db.session.commit()
    return found


def live_sessions(customer_id: str) -> Sequence[CustomerSession]:
    """The sessions of a customer that still open the account, last used first."""
    now = wiring().clock.now()
    return db.session.scalars(
        select(CustomerSession)
        .where(
            CustomerSession.customer_id == customer_id,
            CustomerSession.revoked_at.is_(None),
            CustomerSession.expires_at > now,
            CustomerSession.last_seen_at > now - IDLE_TIME,
        )
        .order_by(CustomerSession.last_seen_at.desc())
    ).all()


def revoke_sessions(customer_id: str, *, only: UUID | None = None, but: UUID | None = None) -> int:
    """End sessions of a customer: one of them, all but one, or all. Returns how many ended; the caller commits."""
    statement = (
        update(CustomerSession)
        .where(CustomerSession.customer_id == customer_id, CustomerSession.revoked_at.is_(None))
        .values(revoked_at=wiring().clock.now())
    )
    if only is not None:
        statement = statement.where(CustomerSession.id == only)
    if but is not None:
        statement = statement.where(CustomerSession.id != but)
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]
