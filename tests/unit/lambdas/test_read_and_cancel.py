"""GET /orders/{order_id} and POST /orders/{order_id}/cancel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders.domain.ids import OrderId
from tests.order_samples import order_body, view
from tests.unit.lambdas.conftest import Shop

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def order_id(shop: Shop) -> OrderId:
    """An accepted order."""
    shop.stock()
    reply = shop.post(order_body())
    shop.messages()
    return OrderId(reply.json["order_id"])


@pytest.mark.parametrize("order_id", [UNKNOWN, "7", "..%2F..", "NOTIFY#x"])
def test_an_unknown_order_is_a_404(shop: Shop, order_id: str) -> None:
    assert (shop.get(order_id).status, shop.get(order_id).json["code"]) == (404, "not_found")
    assert shop.cancel(order_id).status == 404
    assert shop.is_untouched()


def test_the_tracking_view_is_told_without_the_inner_correlation_id(shop: Shop, order_id: OrderId) -> None:
    reply = shop.get(order_id)
    assert reply.status == 200
    assert reply.json["version"] == 1
    assert reply.json["events"] == [{"event": "order_placed", "at": "2026-11-22T12:00:00+00:00"}]
    assert "correlation_id" not in reply.json
    assert "expected_at" not in reply.json


def test_an_expected_day_is_told_when_it_is_known(shop: Shop, order_id: OrderId) -> None:
    shop.tracking.project(replace(view(order_id, 2), expected_at=shop.clock.now()))
    assert shop.get(order_id).json["expected_at"] == "2026-11-22T12:00:00+00:00"


def test_a_cancellation_is_queued_ahead_of_ordinary_work(shop: Shop, order_id: OrderId) -> None:
    reply = shop.cancel(order_id, {"reason": "changed my mind", "customer_id": "c-1"})
    assert (reply.status, reply.json["status"]) == (202, "cancellation_requested")
    (message,) = shop.messages("high")
    assert (message["job"], message["order_id"]) == ("cancel_order", order_id)
    assert message["payload"]["reason"] == "changed my mind"
    assert message["payload"]["actor"] == "shopper:c-1"


def test_a_double_click_is_one_message_id_and_a_later_try_another(shop: Shop, order_id: OrderId) -> None:
    """The worker's inbox applies an id once; after a change of the order a new wish must not be swallowed."""
    shop.cancel(order_id)
    shop.cancel(order_id)
    shop.tracking.project(view(order_id, 2, stage="confirmed"))
    shop.cancel(order_id)
    first, second, third = (message["id"] for message in shop.messages("high"))
    assert first == second != third


@pytest.mark.parametrize(
    "changes",
    [
        {"order_status": "confirmed", "fulfilment_status": "picking"},
        {"order_status": "confirmed", "fulfilment_status": "shipped"},
        {"order_status": "completed", "fulfilment_status": "delivered"},
        {"order_status": "expired"},
    ],
)
def test_too_late_is_a_409_and_queues_nothing(shop: Shop, order_id: OrderId, changes: dict[str, str]) -> None:
    shop.tracking.project(replace(view(order_id, 3), **changes))
    reply = shop.cancel(order_id)
    assert (reply.status, reply.json["code"]) == (409, "transition_refused")
    assert not shop.messages("high")


def test_a_repeat_after_the_cancellation_changes_nothing(shop: Shop, order_id: OrderId) -> None:
    shop.tracking.project(replace(view(order_id, 3), order_status="cancelled", stage="cancelled"))
    reply = shop.cancel(order_id)
    assert (reply.status, reply.json["status"]) == (202, "cancelled")
    assert not shop.messages("high")


@pytest.mark.parametrize("body", ["", "[]", "{", '{"reason": 1}', '{"staff": true}'])
def test_bad_input_is_a_400_and_queues_nothing(shop: Shop, order_id: OrderId, body: str) -> None:
    assert shop.cancel(order_id, body).status == 400
    assert not shop.messages("high")
