"""The order's page: only by its link, honest when a store is away, and moving as events arrive."""

from __future__ import annotations

import json
import string
import threading
from dataclasses import replace

from orders import links
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, new_order_id
from orders.ports import TrackingView
from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.wiring import wiring


def bought(shop: ShopUnderTest) -> tuple[str, OrderId]:
    """An order: its page's path and its id."""
    browser = shop.client()
    put_in_cart(browser)
    path = place(browser, fill_in(browser)).location
    (order_id,) = shop.accepted()
    return path, order_id


def moved(view: TrackingView, **changes: object) -> TrackingView:
    """The next version of a view."""
    return replace(view, version=view.version + 1, **changes)  # type: ignore[arg-type]


def test_only_the_signed_link_opens_an_order(shop: ShopUnderTest) -> None:
    """A guessed, cut, changed or foreign token is answered like an unknown one; no cookie is needed with the right one."""
    path, order_id = bought(shop)
    anybody = shop.client()
    page = anybody.get(path)
    assert page.status_code == 200
    assert 'content="noindex"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    token = path.removeprefix("/orders/")
    stranger = links.sign(order_id, ["another-key"])
    other_ends = [
        token[:-1] + letter for letter in string.ascii_letters + string.digits + "-_" if letter != token[-1]
    ]
    for wrong in (order_id, token[:-1], *other_ends, stranger, "x" * 500):
        assert anybody.get(f"/orders/{wrong}").status_code == 404
        assert anybody.get(f"/orders/{wrong}/live").status_code == 404


def test_an_order_that_is_not_recorded_yet_says_so(shop: ShopUnderTest) -> None:
    """Before the worker has written it, the page shows what was ordered and says that it is being recorded."""
    path, _ = bought(shop)
    page = shop.client().get(path)
    assert "We are recording your order" in page.text
    assert "Mug" in page.text
    assert "€19.90" in page.text


def test_the_page_works_while_the_tracking_store_is_away(shop: ShopUnderTest) -> None:
    """The books answer instead, and the page says that it does not move."""
    path, _ = bought(shop)

    def away(order_id: OrderId) -> TrackingView | None:
        raise Unavailable("down")

    shop.tracking.get = away  # type: ignore[method-assign]
    page = shop.client().get(path)
    assert "Live tracking does not answer" in page.text
    assert "We have your order" in page.text


def test_a_valid_link_to_an_unknown_order_is_not_found(shop: ShopUnderTest) -> None:
    """A signature alone makes no order."""
    with shop.app.app_context():
        token = links.sign(new_order_id(shop.clock.now()), links.keys_of(wiring().settings))
    assert shop.client().get(f"/orders/{token}").status_code == 404


def test_the_stream_tells_each_change_once_and_continues_where_it_was(shop: ShopUnderTest) -> None:
    """A new version arrives as one event with the whole story; Last-Event-ID leaves out what is known."""
    path, order_id = bought(shop)
    view = shop.tracking.get(order_id)
    assert view is not None
    stream = shop.client().get(f"{path}/live", headers={"Last-Event-ID": str(view.version)})
    assert stream.mimetype == "text/event-stream"
    parts = iter(stream.response)
    assert next(parts) == b"retry: 2000\n\n"
    next_one = moved(view, stage="confirmed", order_status="confirmed")
    threading.Timer(0.05, shop.tracking.project, [next_one]).start()
    head, kind, data, *_ = next(parts).decode().split("\n")
    assert (head, kind) == (f"id: {next_one.version}", "event: moved")
    assert json.loads(data.removeprefix("data: "))["title"] == "Your order is confirmed"
    stream.close()
    hub = shop.app.extensions["cartwright-tracking-hub"]
    assert hub.listeners == 0


def test_a_stopping_process_ends_its_streams(shop: ShopUnderTest) -> None:
    """The browser then reconnects to a process that stays."""
    path, order_id = bought(shop)
    view = shop.tracking.get(order_id)
    assert view is not None
    stream = shop.client().get(f"{path}/live?since={view.version}")
    parts = iter(stream.response)
    next(parts)
    shop.app.extensions["cartwright-tracking-hub"].close()
    assert list(parts) == []
    assert shop.client().get(f"{path}/live").status_code == 503
