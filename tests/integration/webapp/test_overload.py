"""More requests than a process can answer: those outside are told when to come back, those inside are finished."""

from __future__ import annotations

import threading
from collections.abc import Callable

from werkzeug.test import TestResponse

from tests.integration.webapp.conftest import ShopUnderTest, fill_in, place, put_in_cart
from webapp.overload import Door


def during_a_placing(shop: ShopUnderTest, act: Callable[[], None]) -> None:
    """Let `act` happen, in another thread, while the next order waits for the order API."""

    def meanwhile() -> None:
        shop.order_api.before = None
        other = threading.Thread(target=act)
        other.start()
        other.join()

    shop.order_api.before = meanwhile


def test_overload_sheds_recovers_and_keeps_the_order_that_was_let_in(shop: ShopUnderTest) -> None:
    """503 with Retry-After for pages and clicks alike; the order inside is placed once; then everybody is served again."""
    buyer, late_buyer = shop.client(), shop.client()
    put_in_cart(buyer)
    review = fill_in(buyer)
    put_in_cart(late_buyer)
    late_review = fill_in(late_buyer)
    shop.app.wsgi_app = Door(shop.app.wsgi_app, most=1)  # type: ignore[method-assign]
    turned_away: list[TestResponse] = []
    health: list[int] = []

    def come_too_late() -> None:
        turned_away.extend([shop.client().get("/cart"), place(late_buyer, late_review)])
        health.append(shop.client().get("/healthz").status_code)

    during_a_placing(shop, come_too_late)
    placed = place(buyer, review)

    assert [answer.status_code for answer in turned_away] == [503, 503]
    for answer in turned_away:
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Correlation-Id"]
        assert "nothing was charged" in answer.text
    assert health == [200]
    assert (placed.status_code, len(shop.accepted()), len(shop.charges())) == (303, 1, 1)
    assert buyer.get(placed.location).status_code == 200

    assert place(late_buyer, late_review).status_code == 303
    assert len(shop.accepted()) == len(shop.charges("authorised")) == 2


def test_a_request_that_breaks_leaves_its_place() -> None:
    """Whatever a view raises, the door does not stay shut."""

    def broken(environ: object, start_response: object) -> list[bytes]:
        raise OSError("the connection broke")

    door = Door(broken, most=1)
    for _ in range(3):
        try:
            door({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *_: None)  # type: ignore[arg-type]
        except OSError:
            continue
        raise AssertionError("it was turned away")
