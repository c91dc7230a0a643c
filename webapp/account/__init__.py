"""The shopper's account: registration, sign-in, sessions, orders, address book, preferences and personal data.

`register_account` is its only door. Every route of the blueprint needs a session unless it says that it is open to all
(door.py), and every read and change names the customer in its WHERE.
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

ROUTES = ("signing", "orders", "addresses", "settings", "data")
"""The modules that hang their routes on the blueprint when they are imported."""


def register_account(app: Flask) -> None:
    """Bring the account's routes and commands into the application."""
    for name in ROUTES:
        import_module(f"webapp.account.{name}")
    from webapp.account import data, order_changes, order_returns
    from webapp.account.cli import account_commands
    from webapp.account.devices import device
    from webapp.account.door import account
    from webapp.account.wiring import register_wiring

    register_wiring(app)
    app.jinja_env.filters["device"] = device
    for blueprint in (account, order_changes.bp, order_returns.bp, data.bp):
        app.register_blueprint(blueprint)
    app.cli.add_command(account_commands)
