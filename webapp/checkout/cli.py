"""`flask checkout ...`: the checkout's commands."""

from __future__ import annotations

from datetime import timedelta

import click
from flask import Blueprint

from webapp.cart.queries import delete_expired_carts
from webapp.checkout.reconcile import reconcile
from webapp.extensions import db
from webapp.wiring import wiring

bp = Blueprint("checkout_commands", __name__, cli_group="checkout")


@bp.cli.command("reconcile")
@click.option("--limit", default=200, show_default=True, help="At most this many checkouts in one run.")
def reconcile_command(limit: int) -> None:
    """Finish placings that stand still, and let money go whose order never came."""
    counts = reconcile(wiring(), limit)
    click.echo(", ".join(f"{count} {what}" for what, count in counts.items()))


@bp.cli.command("sweep-carts")
def sweep_carts_command() -> None:
    """Delete carts that nobody touched for settings.cart_ttl_days."""
    parts = wiring()
    oldest = parts.clock.now() - timedelta(days=parts.settings.cart_ttl_days)
    deleted = delete_expired_carts(oldest)
    db.session.commit()
    click.echo(f"{deleted} expired carts deleted")
