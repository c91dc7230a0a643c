"""The brakes of the account: attempts counted in the database, so that every web process and every restart knows them."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import request
from sqlalchemy import delete, func, select

from orders.domain.errors import Refused
from webapp.account.models import AccountAttempt
from webapp.extensions import db
from webapp.languages import _

WINDOW = timedelta(minutes=15)
SIGN_IN_PER_EMAIL = 10
SIGN_IN_PER_ADDRESS = 50
"""A whole office or a mobile network may sit behind one address."""
LETTERS_PER_EMAIL = 4
LETTERS_PER_ADDRESS = 20


class TooManyAttempts(Refused):
    """Too many tries for this e-mail or from this address; wait."""

    code = "too_many_attempts"


def begin_sign_in(email: str, now: datetime) -> None:
    """Note a try at a password before it is judged. Commits. Raises TooManyAttempts, whether or not there is an account."""
    _begin("sign-in", email, SIGN_IN_PER_EMAIL, SIGN_IN_PER_ADDRESS, now)


def forget_sign_ins(email: str) -> None:
    """The password was right: the account's earlier tries are forgotten, the address's are not. The caller commits."""
    db.session.execute(delete(AccountAttempt).where(AccountAttempt.key == _email_key("sign-in", email)))


def begin_letter(email: str, now: datetime) -> None:
    """Note a wish for a letter. Commits. Raises TooManyAttempts, so that nobody's mailbox can be flooded from here."""
    _begin("letter", email, LETTERS_PER_EMAIL, LETTERS_PER_ADDRESS, now)


def forget_old(now: datetime) -> int:
    """Delete what no limit counts any more; returns how many. The caller commits."""
    done = db.session.execute(delete(AccountAttempt).where(AccountAttempt.at < now - WINDOW))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _begin(purpose: str, email: str, per_email: int, per_address: int, now: datetime) -> None:
    limits = {
        _email_key(purpose, email): per_email,
        f"{purpose}|address:{request.remote_addr or 'unknown'}": per_address,
    }
    # Committed before it is judged: of many tries at once, each then counts the others.
    db.session.add_all(AccountAttempt(key=key, at=now) for key in limits)
    db.session.commit()
    statement = (
        select(AccountAttempt.key, func.count())
        .where(AccountAttempt.key.in_(limits), AccountAttempt.at > now - WINDOW)
        .group_by(AccountAttempt.key)
    )
    counted: dict[str, int] = dict(db.session.execute(statement).all())
    db.session.commit()
    if any(counted.get(key, 0) > limit for key, limit in limits.items()):
        raise TooManyAttempts(_("That was often. Wait a quarter of an hour, then try again."))


def _email_key(purpose: str, email: str) -> str:
    return f"{purpose}|email:{email.strip().lower()[:254]}"
