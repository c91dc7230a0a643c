"""A shopper asks to send something back: what left the house and no more, once, and by whoever may change the order."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from orders.adapters.rds.fulfilment_models import ReturnLine, ReturnRow
from orders.adapters.rds.models import Outbox
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from orders.services.return_order import RETURN_REASONS, decide_return
from orders.services.ship_order import Parcel, ship_order
from tests.integration.account.conftest import SignedIn, customer
from tests.integration.account.orders_of import link_to, pack, recorded
from tests.integration.webapp.conftest import ShopUnderTest, hidden, token_of
from webapp.account.order_returns import WORDS
from webapp.account.wiring import desk
from webapp.extensions import db

STAFF = Actor("staff", "test")
MUG = "MUG-RED"


def shipped(shop: ShopUnderTest, pieces: int, customer_id: str = "") -> OrderId:
    """An order of three mugs, of which some have left the house."""
    order_id = recorded(shop, customer_id, quantity=3)
    pack(shop, order_id)
    with shop.app.app_context():
        parcel = Parcel({Sku(MUG): pieces}, "DHL", "JJD1")
        ship_order(desk(), order_id, parcel, shipment_id=f"{order_id}:1", actor=STAFF)
        db.session.execute(delete(Outbox).where(Outbox.order_id == UUID(order_id)))
        db.session.commit()
    return order_id


def form_of(browser: FlaskClient, path: str, **changes: str) -> dict[str, str]:
    """The form as it is shown, filled in."""
    page = browser.get(f"{path}/return")
    form = {"csrf_token": token_of(page), "version": hidden(page, "version"), "reason": "damaged"}
    return {**form, f"return:{MUG}": "1", **changes}


def test_a_guest_asks_for_a_return_once_and_sees_what_becomes_of_it(shop: ShopUnderTest) -> None:
    """Offered with what is left to send back; a second click asks for nothing more; the page tells the decision."""
    order_id = shipped(shop, 2)
    browser, path = shop.client(), link_to(shop, order_id)
    assert "Send something back" in browser.get(path).text
    assert "2 can be sent back" in browser.get(f"{path}/return").text
    form = form_of(browser, path, comment="  the handle is off ")
    for _ in range(2):
        assert browser.post(f"{path}/return", data=form).location == path
    (asked,) = shop.rows(ReturnRow)
    assert (asked.status, asked.reason, asked.comment) == ("requested", "damaged", "the handle is off")
    assert [(line.sku, line.quantity) for line in shop.rows(ReturnLine)] == [(MUG, 1)]
    page = browser.get(path).text
    assert 'data-return="requested"' in page
    assert "1 × Mug MUG-RED" in page
    assert "1 can be sent back" in browser.get(f"{path}/return").text
    with shop.app.app_context():
        decide_return(desk(), order_id, return_id=asked.id, actor=STAFF, is_approved=True)
    assert "Please send it back" in browser.get(path).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"return:{MUG}": "3"}, "2 pieces can be sent back, not 3"),
        ({f"return:{MUG}": "0"}, "Choose at least one piece"),
        ({f"return:{MUG}": "two"}, "Type how many pieces as a number"),
        ({"return:PAN-IRON": "1"}, "0 pieces can be sent back"),
        ({"reason": "because"}, "Say why"),
    ],
)
def test_a_request_that_cannot_be_is_said_and_keeps_what_was_typed(
    shop: ShopUnderTest, changes: dict[str, str], said: str
) -> None:
    """More than was sent, nothing, no number, another article, no reason."""
    order_id = shipped(shop, 2)
    browser, path = shop.client(), link_to(shop, order_id)
    answer = browser.post(f"{path}/return", data=form_of(browser, path, comment="off", **changes))
    assert answer.status_code == 422
    assert said in answer.text
    assert ">off</textarea>" in answer.text
    assert shop.rows(ReturnRow) == []


def test_what_has_not_left_or_is_in_a_return_already_is_not_offered(shop: ShopUnderTest) -> None:
    """Before the first parcel there is no button; after the last piece there is nothing left to ask for."""
    browser, path = shop.client(), link_to(shop, recorded(shop))
    assert "Send something back" not in browser.get(path).text
    assert browser.get(f"{path}/return").location == path
    path = link_to(shop, shipped(shop, 1))
    assert browser.post(f"{path}/return", data=form_of(browser, path)).status_code == 303
    assert browser.get(f"{path}/return").location == path


def test_a_form_of_an_older_state_is_shown_anew(shop: ShopUnderTest) -> None:
    """Something happened meanwhile: nothing is asked for unseen."""
    order_id = shipped(shop, 2)
    browser, path = shop.client(), link_to(shop, order_id)
    stale = form_of(browser, path, version="1")
    assert browser.post(f"{path}/return", data=stale).location == f"{path}/return"
    assert shop.rows(ReturnRow) == []


def test_a_customers_order_is_sent_back_by_its_owner_alone(shop: ShopUnderTest, register: SignedIn) -> None:
    """A forwarded link shows the order and no more."""
    ada = register("ada@example.com")
    path = link_to(shop, shipped(shop, 1, customer(shop).id))
    stranger = shop.client()
    assert "Send something back" not in stranger.get(path).text
    assert stranger.get(f"{path}/return").status_code == 403
    assert ada.get(f"{path}/return").status_code == 200


def test_every_reason_has_words_for_the_shopper() -> None:
    """A reason without words would be an empty choice."""
    assert list(WORDS) == list(RETURN_REASONS)
