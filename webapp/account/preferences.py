"""Which channels somebody wants to hear of their orders on: kept by e-mail address, for customers and guests alike."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from webapp.account.models import NotificationPreference
from webapp.extensions import db
from webapp.wiring import wiring

CHANNELS = ("email", "sms")


def wanted(email: str) -> Mapping[str, bool]:
    """By channel whether it is wanted; everything is until somebody says otherwise."""
    found = db.session.get(NotificationPreference, email.lower(), populate_existing=True)
    chosen = found.wants if found else {}
    return {channel: bool(chosen.get(channel, True)) for channel in CHANNELS}


def choose(address: str, **wants: bool) -> None:
    """Keep a choice for some of the CHANNELS; the others stay as they are. The caller commits."""
    chosen = {**wanted(address), **wants}
    row = {"email": address.lower(), "wants": chosen, "updated_at": wiring().clock.now()}
    db.session.execute(
        insert(NotificationPreference).values(row).on_conflict_do_update(index_elements=["email"], set_=row)
    )


def move(before: str, after: str) -> None:
    """Take a choice along to a new address, unless that one has its own. The caller commits."""
    if db.session.get(NotificationPreference, after.lower()) is None:
        db.session.execute(
            update(NotificationPreference)
            .where(NotificationPreference.email == before.lower())
            .values(email=after.lower())
        )
