"""`flask account ...`: what a timer runs for the accounts."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup
from sqlalchemy import delete

from webapp.account import attempts, letters, personal_data
from webapp.account.models import CustomerSession, Letter
from webapp.extensions import db
from webapp.wiring import wiring

account_commands = AppGroup("account", help="The shoppers' accounts.")

KEPT_FOR = timedelta(days=30)
"""Ended sessions and used or expired letters are kept this long, for questions about them."""


@account_commands.command("send-letters")
@click.option("--limit", default=200, show_default=True, help="At most this many in one run.")
def send_letters(limit: int) -> None:
    """Send the letters that an outage or a crash left unsent."""
    click.echo(f"{letters.send_unsent(limit)} letters sent")


@account_commands.command("sweep")
def sweep() -> None:
    """Forget what is over: old attempts, ended sessions, old letters, and deleted accounts' last orders."""
    now = wiring().clock.now()
    tried = attempts.forget_old(now)
    ended = db.session.execute(delete(CustomerSession).where(CustomerSession.expires_at < now - KEPT_FOR))
    old = db.session.execute(delete(Letter).where(Letter.expires_at < now - KEPT_FOR))
    db.session.commit()
    erased = personal_data.finish_erasures()
    click.echo(f"{erased} deleted accounts are off their last orders")
    click.echo(
        f"{tried} attempts, {ended.rowcount} sessions and {old.rowcount} letters forgotten"  # type: ignore[attr-defined]
    )
