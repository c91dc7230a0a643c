"""Staff read, type and filter by the clock on their own wall; what is kept is UTC."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.tracking import MemoryTracking
from orders.adapters.order_csv import csv_text
from orders.adapters.rds.models import Order
from orders.adapters.rds.order_finding import page_of_orders
from orders.adapters.rds.order_search import OrderSearch, Words
from orders.domain.ids import OrderId, order_number
from orders.settings import Settings
from tests.integration.console.shop import AsRole, Shop
from webapp.catalog.availability import Availability
from webapp.console.permissions import Role
from webapp.extensions import db
from webapp.wiring import SystemClock, Wiring

BERLIN = Settings(time_zone="Europe/Berlin")
SHORT_DAY = "from=2026-03-29&to=2026-03-29"
"""The day on which Berlin's clocks go forward: 23 hours, from 23:00 UTC of the day before to 22:00 UTC."""


@pytest.fixture
def wired(database_url: str, inventory: MemoryInventory, tracking: MemoryTracking) -> Wiring:
    """A console in Berlin."""
    parts: Any = None
    return Wiring(
        settings=replace(BERLIN, database_url=database_url),
        clock=SystemClock(),
        availability=Availability(inventory),
        tracking=tracking,
        payments=parts,
        order_api=parts,
    )


def _placed(app: Flask, shop: Shop, at: datetime) -> OrderId:
    order_id = shop.place()
    with app.app_context():
        db.session.execute(update(Order).where(Order.id == UUID(order_id)).values(placed_at=at))
        db.session.commit()
    return order_id


def test_a_day_of_the_filters_is_the_shops_day(app: Flask, as_role: AsRole, shop: Shop) -> None:
    """Its first and its last minute are found, the minutes around them are not, also where a day has 23 hours."""
    placed = {
        at: _placed(app, shop, datetime.fromisoformat(f"2026-03-{at}:00+00:00"))
        for at in ("28 22:59", "28 23:00", "29 21:59", "29 22:00")
    }
    page = as_role(Role.VIEWER).get(f"/console/orders?{SHORT_DAY}").text
    found = {at: order_number(order_id) in page for at, order_id in placed.items()}
    assert found == {"28 22:59": False, "28 23:00": True, "29 21:59": True, "29 22:00": False}
    for said in ("29 Mar 2026, 00:00 CET", "29 Mar 2026, 23:59 CEST"):
        assert said in page


def test_an_export_has_the_shops_days_and_times_with_their_offset(app: Flask, shop: Shop) -> None:
    """The same orders as the list's, in ISO 8601 that says how far from UTC it is."""
    _placed(app, shop, datetime(2026, 3, 28, 22, 59, tzinfo=UTC))
    _placed(app, shop, datetime(2026, 3, 29, 21, 59, tzinfo=UTC))
    with app.app_context():
        search = OrderSearch.parse(Words(SHORT_DAY), BERLIN.zone)
        rows, _ = page_of_orders(db.session(), search, "", 10)
        text = csv_text(rows, BERLIN.zone, has_header=True)
    assert [row["placed_at"] for row in csv.DictReader(io.StringIO(text))] == ["2026-03-29T23:59:00+02:00"]


def test_a_holds_end_is_typed_in_the_shops_time_and_kept_in_utc(
    app: Flask, as_role: AsRole, shop: Shop
) -> None:
    """Nine o'clock on a winter's morning in Berlin is eight in UTC; the page says what was typed."""
    order_id = shop.place()
    manager = as_role(Role.MANAGER)
    assert "Until (Europe/Berlin" in manager.get(f"/console/orders/{order_id}/hold").text
    record = shop.read(order_id)
    manager.post(
        f"/console/orders/{order_id}/hold",
        data={
            "command_id": "console:hold-1",
            "version": record.state.version,
            "hold_reason": "fraud",
            "until": "2036-01-15T09:00",
            "reason": "to be looked at",
            "confirmed": "1",
        },
    )
    assert shop.read(order_id).hold_until == datetime(2036, 1, 15, 8, 0, tzinfo=UTC)
    assert "until 15 Jan 2036, 09:00 CET" in manager.get(f"/console/orders/{order_id}").text
