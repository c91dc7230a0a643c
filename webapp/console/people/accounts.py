"""Staff accounts: made, changed, signed in. Every function leaves the commit to its caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from orders.domain.errors import Refused
from orders.domain.ids import uuid7
from webapp.console.people.models import SignInAttempt, Staff
from webapp.console.permissions import Role
from webapp.passwords import MAX_LENGTH, hash_password, is_password, needs_rehash

MIN_PASSWORD_LENGTH = 12
"""NIST SP 800-63B asks for length, not for character classes."""
MAX_PASSWORD_LENGTH = MAX_LENGTH
ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_EMAIL = 5
ATTEMPTS_PER_ADDRESS = 30
"""A whole office may sit behind one address."""


class TooManyAttempts(Refused):
    """Too many failed sign-ins for this e-mail or address; wait."""

    code = "too_many_attempts"


class AccountRefused(Refused):
    """An account change that would break a rule, such as removing the last admin."""

    code = "account_refused"


def create_staff(
    session: Session, *, email: str, name: str, role: Role, password: str, now: datetime
) -> Staff:
    """Create an account. Raises AccountRefused when the e-mail is taken or the password too short."""
    folded = email.strip().lower()
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise AccountRefused(f"a password has at least {MIN_PASSWORD_LENGTH} characters")
    if find_staff(session, folded) is not None:
        raise AccountRefused(f"{folded} has an account already")
    staff = Staff(
        id=UUID(uuid7(now)),
        email=folded,
        name=name.strip() or folded.split("@")[0],
        role=str(role),
        password_hash=hash_password(password),
        created_at=now,
    )
    session.add(staff)
    session.flush()
    return staff


def find_staff(session: Session, email: str) -> Staff | None:
    """The account of an e-mail, in any case, or None."""
    return session.scalar(select(Staff).where(Staff.email == email.strip().lower()))


def begin_attempt(session: Session, *, email: str, address: str, now: datetime) -> None:
    """Note a sign-in attempt before it is judged, and refuse it when there were too many.

    Commit before judging: of many attempts at once, each then counts the others. Raises TooManyAttempts.
    """
    keys = {
        f"email:{email.strip().lower()[:254]}": ATTEMPTS_PER_EMAIL,
        f"address:{address}": ATTEMPTS_PER_ADDRESS,
    }
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - ATTEMPT_WINDOW))
    session.add_all(SignInAttempt(key=key, at=now) for key in keys)
    session.commit()
    statement = (
        select(SignInAttempt.key, func.count().label("tries"))
        .where(SignInAttempt.key.in_(keys), SignInAttempt.at > now - ATTEMPT_WINDOW)
        .group_by(SignInAttempt.key)
    )
    counted = {row.key: row.tries for row in session.execute(statement)}
    if any(counted.get(key, 0) > limit for key, limit in keys.items()):
        raise TooManyAttempts("too many attempts; wait a quarter of an hour")


def forget_attempts(session: Session, *, email: str, address: str) -> None:
    """A sign-in succeeded: its failures are forgotten."""
    session.execute(
        delete(SignInAttempt).where(
            or_(
                SignInAttempt.key == f"email:{email.strip().lower()[:254]}",
                SignInAttempt.key == f"address:{address}",
            )
        )
    )


def check_password(staff: Staff | None, password: str) -> bool:
    """Whether the password is the account's; takes as long for an account that is not there.

    A hash made with older parameters is renewed on the way.
    """
    is_right = is_password(staff.password_hash if staff else None, password)
    if staff is None or not is_right or not staff.is_active:
        return False
    if needs_rehash(staff.password_hash):
        staff.password_hash = hash_password(password)
    return True


def set_password(staff: Staff, password: str) -> None:
    """Replace a password. Raises AccountRefused when it is too short."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise AccountRefused(f"a password has at least {MIN_PASSWORD_LENGTH} characters")
    staff.password_hash = hash_password(password)


def change_staff(session: Session, staff: Staff, *, role: Role, is_active: bool) -> None:
    """Change a role or lock an account. Raises AccountRefused when no active admin would be left."""
    admins = session.scalars(
        select(Staff).where(Staff.role == str(Role.ADMIN), Staff.is_active).with_for_update()
    ).all()
    loses_admin = staff.role_of is Role.ADMIN and (role is not Role.ADMIN or not is_active)
    if loses_admin and staff.is_active and len(admins) <= 1:
        raise AccountRefused("the last admin stays: make somebody else admin first")
    staff.role, staff.is_active = str(role), is_active
