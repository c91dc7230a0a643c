"""When it will be there: promised by the tariff, learned from the orders that arrived, shown until it has arrived."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from orders.adapters.rds.models import Order, TimelineEvent
from orders.domain.events import EventType
from orders.domain.ids import OrderId, new_order_id, order_number
from tests.integration.webapp.conftest import DETAILS, MUG, ShopUnderTest, fill_in, place, put_in_cart
from webapp.checkout import arrival
from webapp.extensions import db
from webapp.formats import day


def arrived(shop: ShopUnderTest, hours: float, *, shipping: str = "standard", country: str = "DE") -> None:
    """An order that took this long to its door."""
    placed_at = shop.clock.now() - timedelta(days=20)
    order_id = uuid.UUID(new_order_id(placed_at))
    with shop.app.app_context():
        db.session.execute(
            insert(Order).values(
                id=order_id, number=order_number(OrderId(str(order_id))), status="completed", payment_status="captured",
                fulfilment_status="delivered", currency="EUR", name="A", email="a@example.com", shipping_address={},
                billing_address={}, country=country, shipping_code=shipping, shipping_name="S", shipping_minor=0,
                shipping_tax_minor=0, subtotal_minor=0, discount_minor=0, tax_minor=0,
                total_minor=0, tax_code="DE", tax_rate_ppm=0, tax_is_inclusive=True, payment_provider="test",
                payment_reference="r", placed_at=placed_at, updated_at=placed_at,
            )
        )  # fmt: skip
        db.session.execute(
            insert(TimelineEvent).values(
                order_id=order_id, version=5, type=EventType.ORDER_DELIVERED, at=placed_at + timedelta(hours=hours),
                actor_kind="staff", actor_id="t",
            )
        )  # fmt: skip
        db.session.commit()


def expected_of_next_order(shop: ShopUnderTest) -> tuple[datetime, str]:
    """Buy; returns what the order was given, and its page."""
    browser = shop.client()
    put_in_cart(browser, MUG)
    answer = place(browser, fill_in(browser))
    body = json.loads(shop.order_api.bodies[-1])
    return datetime.fromisoformat(body["client"]["expected_at"]), browser.get(answer.location).text


def test_without_history_the_tariffs_latest_day_stands(shop: ShopUnderTest) -> None:
    """Nineteen arrivals say nothing yet; those by express or abroad say nothing about this order."""
    for _ in range(arrival.FEWEST - 1):
        arrived(shop, 10)
        arrived(shop, 10, shipping="express")
        arrived(shop, 10, country="AT")
    expected, page = expected_of_next_order(shop)
    assert expected > shop.clock.now() + timedelta(days=1)
    assert (expected.hour, expected.tzinfo) == (18, UTC)
    assert f"Expected by {day(expected)}" in page


def test_with_history_four_of_five_orders_were_faster(shop: ShopUnderTest) -> None:
    """The eightieth percentile of what the newest arrivals took."""
    for hours in range(10, 110, 5):
        arrived(shop, hours)
    expected, page = expected_of_next_order(shop)
    took = (expected - shop.clock.now()).total_seconds() / 3600
    assert 80 <= took <= 95
    assert f"Expected by {day(expected)}" in page
    assert DETAILS["email"] in page
