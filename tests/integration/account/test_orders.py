"""A customer's orders: found, shown, changed until packing; and never another's."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import delete

from orders.adapters.rds.models import Order, OrderLine, Outbox
from orders.domain.events import Actor
from orders.domain.ids import Sku
from orders.links import unsubscribe_url
from orders.ports import Effect
from orders.services.change_address import add_note
from orders.services.hold_order import hold_order, release_order
from orders.services.ship_order import Parcel, ship_order
from orders.services.tracking_views import from_payload
from tests.integration.account.conftest import SignedIn, customer, send
from tests.integration.account.orders_of import link_to, pack, recorded
from tests.integration.webapp.conftest import (
    MUG,
    ShopUnderTest,
    fill_in,
    hidden,
    place,
    put_in_cart,
    token_of,
)
from webapp.account.models import NotificationPreference
from webapp.account.preferences import wanted
from webapp.account.wiring import desk
from webapp.checkout.models import Checkout
from webapp.extensions import db
from webapp.formats import money
from webapp.tracking.queries import find_order

ADA, EVE = "ada@example.com", "eve@example.com"
NEW_ADDRESS = {"name": "Ada L.", "line1": "Neue Str. 7", "postal_code": "20095", "city": "Hamburg"}


def order_row(shop: ShopUnderTest, order_id: str) -> Order:
    """The order as the book has it."""
    (found,) = [row for row in shop.rows(Order) if str(row.id) == order_id]
    return found


def test_the_history_shows_ones_own_orders_and_finds_them(shop: ShopUnderTest, register: SignedIn) -> None:
    """By article or by number, typed carelessly; another's order is never found."""
    ada = register(ADA)
    mine = recorded(shop, customer(shop).id, name="Blue teapot")
    recorded(shop, customer(shop).id, name="Oak bowl 100%")
    recorded(shop, "somebody-else", email=EVE, name="Blue teapot, of Eve")
    number = order_row(shop, mine).number
    assert ada.get("/account/orders").text.count('class="number"') == 2
    for query in ("teapot", number, number.lower().replace("-", "")):
        found = ada.get("/account/orders", query_string={"q": query}).text
        assert "Blue teapot" in found
        assert "Oak bowl" not in found
        assert "of Eve" not in found
    assert "Oak bowl" in ada.get("/account/orders?q=100%25").text
    assert "None of your orders" in ada.get("/account/orders?q=_").text


def test_the_history_pages_by_key(shop: ShopUnderTest, register: SignedIn) -> None:
    """Every order appears once, newest first; an invented key is the first page."""
    ada = register(ADA)
    for index in range(23):
        recorded(shop, customer(shop).id, name=f"Article {index:02d}")
        shop.clock.advance(60)
    first = ada.get("/account/orders")
    older = first.text.split('href="/account/orders?after=')[1].split('"')[0]
    second = ada.get(f"/account/orders?after={older}")
    seen = [f"Article {index:02d}" for index in range(23)]
    assert [name in first.text for name in seen] == [index >= 3 for index in range(23)]
    assert [name in second.text for name in seen] == [index < 3 for index in range(23)]
    assert "Article 22" in ada.get("/account/orders?after=2026-01-01_x").text


def test_only_the_owner_opens_an_order_by_its_account(shop: ShopUnderTest, register: SignedIn) -> None:
    """Another customer gets the same answer as for an order that is not there (promise I14)."""
    ada, eve = register(ADA), register(EVE)
    order_id = recorded(shop, customer(shop, ADA).id)
    guests = recorded(shop, "", ADA)
    assert ada.get(f"/account/orders/{order_id}").status_code == 200
    assert "Hauptstr. 1" in ada.get(f"/account/orders/{order_id}").text
    for path in (order_id, guests, customer(shop).id, "0198a000-0000-4000-8000-000000000000"):
        assert eve.get(f"/account/orders/{path}").status_code == 404
    assert shop.client().get(f"/account/orders/{order_id}").status_code == 303


def test_a_guest_cancels_by_link_until_packing(shop: ShopUnderTest, register: SignedIn) -> None:
    """The question first, then once; a second click finds it done."""
    order_id, late = recorded(shop), recorded(shop)
    browser, path = shop.client(), link_to(shop, order_id)
    assert "Cancel the order" in browser.get(path).text
    question = browser.get(f"{path}/cancel")
    assert order_row(shop, order_id).status == "confirmed"
    for _ in range(2):
        assert browser.post(f"{path}/cancel", data={"csrf_token": token_of(question)}).location == path
    assert order_row(shop, order_id).status == "cancelled"
    pack(shop, late)
    assert "Cancel the order" not in browser.get(link_to(shop, late)).text
    assert browser.get(f"{link_to(shop, late)}/cancel").status_code == 303
    refused = browser.post(f"{link_to(shop, late)}/cancel", data={"csrf_token": token_of(question)})
    assert refused.status_code == 303
    assert order_row(shop, late).status == "confirmed"


def test_an_order_is_sent_elsewhere_in_the_same_country(shop: ShopUnderTest) -> None:
    """The country is the order's whatever is posted; a form from before another change is shown anew."""
    order_id = recorded(shop)
    browser, path = shop.client(), f"{link_to(shop, order_id)}/address"
    page = browser.get(path)
    version = str(order_row(shop, order_id).version)
    form = {"csrf_token": token_of(page), "version": version, "line2": "", "region": "", **NEW_ADDRESS}
    wrong = browser.post(path, data={**form, "postal_code": "1"})
    assert wrong.status_code == 422
    assert 'value="Neue Str. 7"' in wrong.text
    assert browser.post(path, data={**form, "country": "FR"}).location == path.removesuffix("/address")
    row = order_row(shop, order_id)
    assert row.shipping_address["line1"] == "Neue Str. 7"
    assert row.shipping_address["country"] == "DE"
    stale = browser.post(path, data={**form, "version": version + "0", "line1": "Another 1"})
    assert stale.location == path
    assert order_row(shop, order_id).shipping_address["line1"] == "Neue Str. 7"


@pytest.mark.parametrize("action", ["cancel", "address", "quantities"])
def test_a_customers_order_is_changed_by_its_owner_alone(
    shop: ShopUnderTest, register: SignedIn, action: str
) -> None:
    """A forwarded link shows the order; changing it needs the account."""
    ada, eve = register(ADA), register(EVE)
    order_id = recorded(shop, customer(shop, ADA).id)
    path = link_to(shop, order_id)
    for stranger in (eve, shop.client()):
        assert stranger.get(path).status_code == 200
        assert "Cancel the order" not in stranger.get(path).text
        assert stranger.get(f"{path}/{action}").status_code == 403
        token = token_of(stranger.get("/account/forgotten"))
        data = {"csrf_token": token, "version": "2", **NEW_ADDRESS}
        assert stranger.post(f"{path}/{action}", data=data).status_code == 403
    assert order_row(shop, order_id).status == "confirmed"
    assert ada.get(f"{path}/{action}").status_code == 200


def test_a_guests_order_joins_the_account_of_its_proven_address(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """Link and address together; the link alone is not enough, and what is taken stays taken."""
    order_id = recorded(shop, email="Ada@Example.com")
    path = link_to(shop, order_id)
    eve, ada = register(EVE), register(ADA)
    for browser, status in ((eve, 403), (ada, 303), (eve, 403)):
        token = token_of(browser.get("/account/"))
        assert browser.post(f"{path}/claim", data={"csrf_token": token}).status_code == status
    assert order_row(shop, order_id).customer_id == customer(shop, ADA).id
    assert ada.get(f"/account/orders/{order_id}").status_code == 200


def test_registering_from_the_order_page_takes_the_order_along(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """The address is filled in from the order, and the link proves it."""
    mine, other = recorded(shop), recorded(shop, email=EVE)
    browser = shop.client()
    page = browser.get(link_to(shop, mine))
    token = link_to(shop, mine).rsplit("/", 1)[1]
    assert f"/account/register?order={token}" in page.text
    assert 'value="ada@example.com"' in browser.get(f"/account/register?order={token}").text
    register(ADA, browser, query=f"?order={token}")
    assert browser.get(f"/account/orders/{mine}").status_code == 200
    register("third@example.com", shop.client(), query=f"?order={link_to(shop, other).rsplit('/', 1)[1]}")
    assert order_row(shop, other).customer_id == ""


def test_an_order_placed_signed_in_is_the_customers(shop: ShopUnderTest, register: SignedIn) -> None:
    """It is in the history at once, before the book has it, and its request names the customer."""
    ada = register(ADA)
    put_in_cart(ada, MUG, 2)
    location = place(ada, fill_in(ada)).location
    assert location is not None
    assert shop.checkout().customer_id == customer(shop).id
    assert f'"customer_id":"{customer(shop).id}"' in shop.order_api.bodies[0].replace(" ", "")
    order_id = str(shop.rows(Checkout)[0].id)
    assert order_id in ada.get("/account/orders").text
    assert ada.get(f"/account/orders/{order_id}").status_code == 200


def test_what_was_chosen_goes_with_every_event_of_an_order(shop: ShopUnderTest, register: SignedIn) -> None:
    """The notifier reads `notify`; a choice made after the order counts as well."""
    ada = register(ADA)
    order_id = recorded(shop, customer(shop).id, email="Ada@example.com")
    assert send(ada, "/account/notifications", sms="y").status_code == 303
    send(ada, f"{link_to(shop, order_id)}/cancel")
    payloads = [row.payload for row in shop.rows(Outbox) if row.effect == "event"]
    (cancelled,) = [payload for payload in payloads if payload["event"] == "order_cancelled"]
    assert cancelled["order"]["notify"] == {"email": False, "sms": True}
    unsubscribe = cancelled["order"]["unsubscribe_url"].removeprefix("http://localhost")
    assert shop.client().post(unsubscribe, data={"resume": "1"}).status_code == 200
    with shop.app.app_context():
        assert wanted(ADA) == {"email": True, "sms": True}


def test_one_click_in_the_mail_program_stops_the_mails_and_the_order_link_does_not(
    shop: ShopUnderTest,
) -> None:
    """RFC 8058: a POST without a cookie. Opening the page changes nothing; an order's link is no key to it."""
    order_id = recorded(shop)
    path = unsubscribe_url(order_id, shop.app.config["CARTWRIGHT_SETTINGS"]).removeprefix("http://localhost")
    assert "Fewer e-mails" in shop.client().get(path).text
    assert shop.rows(NotificationPreference) == []
    forged = "/unsubscribe/" + link_to(shop, order_id).rsplit("/", 1)[1]
    assert shop.client().post(forged).status_code == 404
    assert shop.client().post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    (row,) = shop.rows(NotificationPreference)
    assert (row.email, row.wants["email"]) == (ADA, False)


def test_a_guest_takes_pieces_off_until_packing(shop: ShopUnderTest) -> None:
    """Typed, shown with the money that comes off, meant; the page then says what is paid, and a stale form is shown anew."""
    order_id = recorded(shop, quantity=3)
    browser, path = shop.client(), link_to(shop, order_id)
    assert "Change quantities" in browser.get(path).text
    page = browser.get(f"{path}/quantities")
    (line,) = [row for row in shop.rows(OrderLine) if str(row.order_id) == order_id]
    field = f"quantity:{line.sku}"
    form = {"csrf_token": token_of(page), "version": hidden(page, "version"), field: "1"}
    shown = browser.post(f"{path}/quantities", data=form)
    off = 2 * line.unit_price_minor
    assert f"{money(off, 'EUR')} less" in shown.text
    assert order_row(shop, order_id).version == int(form["version"])
    for _ in range(2):
        done = browser.post(f"{path}/quantities", data={**form, "confirmed": "1"})
        assert done.status_code == 303
    after = browser.get(path).text
    total = order_row(shop, order_id).total_minor
    assert "2 of them taken off" in after
    assert money(total - off, "EUR") in after
    assert [row.cancelled for row in shop.rows(OrderLine) if str(row.order_id) == order_id] == [2]


@pytest.mark.parametrize(
    ("typed", "said"), [("0", "cancel the order"), ("3", "Nothing is changed"), ("4", "order anew")]
)
def test_an_edit_that_cannot_be_is_said_and_changes_nothing(
    shop: ShopUnderTest, typed: str, said: str
) -> None:
    """Nothing left, nothing changed, more than ordered."""
    order_id = recorded(shop, quantity=3)
    browser, path = shop.client(), f"{link_to(shop, order_id)}/quantities"
    page = browser.get(path)
    (line,) = [row for row in shop.rows(OrderLine) if str(row.order_id) == order_id]
    form = {"csrf_token": token_of(page), "version": hidden(page, "version"), f"quantity:{line.sku}": typed}
    answer = browser.post(path, data={**form, "confirmed": "1"})
    assert answer.status_code == 422
    assert said in answer.text
    assert order_row(shop, order_id).version == int(form["version"])


def test_an_order_that_is_packed_keeps_its_quantities(shop: ShopUnderTest) -> None:
    """Neither offered nor done."""
    order_id = recorded(shop, quantity=3)
    pack(shop, order_id)
    browser, path = shop.client(), link_to(shop, order_id)
    assert "Change quantities" not in browser.get(path).text
    assert browser.get(f"{path}/quantities").location == path


def test_an_order_in_the_book_is_shown_from_it_and_as_the_projection_shows_it(shop: ShopUnderTest) -> None:
    """The tracking store is not asked for the page: it lags behind, and may be away. What staff wrote for the shopper is there, what
    they wrote for themselves is not, and what a shopper need not know is in neither."""
    order_id = recorded(shop, quantity=3)
    staff = Actor("staff", "test")
    with shop.app.app_context():
        for number, (text, is_public) in enumerate((("Thank you!", True), ("Call them.", False))):
            add_note(desk(), order_id, text, command_id=f"note:{number}", actor=staff, is_public=is_public)
        hold_order(desk(), order_id, hold_reason="stock", command_id="hold", actor=staff)
        release_order(desk(), order_id, command_id="release", actor=staff)
        found = find_order(order_id)
    projected = [row for row in shop.rows(Outbox) if row.effect == Effect.TRACKING]
    newest = from_payload(max(projected, key=lambda row: row.payload["version"]).payload)
    assert found.view is not None
    assert replace(found.view, correlation_id=newest.correlation_id) == newest
    assert shop.tracking.get(order_id) is None
    page = shop.client().get(link_to(shop, order_id)).text
    assert "Order confirmed" in page
    assert "Thank you!" in page
    assert "Call them." not in page


def test_the_order_page_names_each_parcel(shop: ShopUnderTest) -> None:
    """Its carrier, its number with the way to follow it, and when it left; nothing of that before."""
    order_id = recorded(shop, quantity=3)
    browser, path = shop.client(), link_to(shop, order_id)
    assert "data-parcel" not in browser.get(path).text
    pack(shop, order_id)
    followed = Parcel({Sku("MUG-RED"): 1}, "cartwright-post", "CW1", "https://post.example/CW1?a=1&b=2")
    with shop.app.app_context():
        for number, parcel in enumerate((followed, Parcel({Sku("MUG-RED"): 2}, "DHL", "JJD2"))):
            ship_order(
                desk(), order_id, parcel, shipment_id=f"{order_id}:{number}", actor=Actor("staff", "test")
            )
            db.session.execute(delete(Outbox).where(Outbox.order_id == UUID(order_id)))
            db.session.commit()
    page = browser.get(path).text
    assert "Your parcels" in page
    assert (
        'Cartwright Post <a href="https://post.example/CW1?a=1&amp;b=2" rel="noopener noreferrer">CW1</a>'
        in page
    )
    assert "DHL <strong>JJD2</strong>" in page
    assert page.count("data-parcel") == 2
    assert browser.get(f"{path}?part=details").text.count("data-parcel") == 2
