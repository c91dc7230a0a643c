"""What the account talks to beyond the shop's own ports: the mail provider and the order desk."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from orders.adapters.aws import ONE_ATTEMPT, make_client
from orders.adapters.rds.order_book import SqlOrderBook
from orders.adapters.ses import SesNotifier
from orders.ports import Notifier
from orders.services.desk import OrderDesk
from webapp.extensions import db
from webapp.wiring import wiring

_KEY = "cartwright-account"


@dataclass(frozen=True, slots=True)
class AccountWiring:
    """The account's own port. Tests put one with the memory adapter into `app.extensions`."""

    notifier: Notifier


def register_wiring(app: Flask) -> None:
    """Make the real adapter. Connects to nothing yet."""
    settings = app.extensions["cartwright"].settings
    app.extensions[_KEY] = AccountWiring(
        SesNotifier(make_client("sesv2", settings), make_client("sns", settings, ONE_ATTEMPT), settings)
    )


def account_wiring() -> AccountWiring:
    """The account's port of the current application."""
    parts: AccountWiring = current_app.extensions[_KEY]
    return parts


def desk() -> OrderDesk:
    """The desk of the core's use cases: every change of an order goes over it."""
    parts = wiring()
    return OrderDesk(SqlOrderBook(db.engine), parts.clock, parts.settings)
