"""The account's own pages: devices, password, e-mail, addresses, cart, data; each for its owner alone."""

from __future__ import annotations

import json
import re

import pytest

from orders.adapters.rds.models import LedgerEntry, Order
from orders.domain.events import SYSTEM
from orders.domain.ids import OrderId
from orders.services.cancel_order import cancel_order
from tests.integration.account.conftest import (
    PASSWORD,
    Mailbox,
    SignedIn,
    customer,
    is_signed_in,
    send,
    sign_in,
)
from tests.integration.account.orders_of import link_to, recorded
from tests.integration.webapp.conftest import DETAILS, MUG, PAN, ShopUnderTest, put_in_cart, token_of
from tests.integration.webapp.conftest import send as step
from webapp.account import personal_data
from webapp.account.models import Customer, CustomerErasure, CustomerSession, SavedAddress
from webapp.account.wiring import desk
from webapp.cart.models import Cart, CartLine

ADA, EVE = "ada@example.com", "eve@example.com"
HOME = {"name": "Ada", "line1": "Werkstr. 12", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def test_every_page_of_the_account_asks_for_a_session(shop: ShopUnderTest) -> None:
    """Whatever route is added, a guest is sent to the sign-in page unless the route says that it is open to all."""
    open_to_all = {
        "account.sign_in",
        "account.register",
        "account.forgotten",
        "account.link",
        "account.goodbye",
    }
    some_id = "0198a000-0000-7000-8000-000000000000"
    checked = 0
    for rule in shop.app.url_map.iter_rules():
        if not rule.endpoint.startswith("account.") or rule.endpoint in open_to_all:
            continue
        path = re.sub(r"<uuid:\w+>", some_id, rule.rule)
        for method in rule.methods & {"GET", "POST"}:
            browser = shop.client()
            data = {"csrf_token": token_of(browser.get("/account/sign-in"))} if method == "POST" else None
            answer = browser.open(path, method=method, data=data)
            assert answer.status_code == 303, (method, path)
            assert answer.location.startswith("/account/sign-in"), (method, path)
            checked += 1
    assert checked > 15


def test_signing_out_is_one_click_away_on_every_page_of_the_account(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """ASVS 7.4.4: whatever page of the account is added."""
    browser = register()
    drawn = 0
    for rule in shop.app.url_map.iter_rules():
        if not rule.rule.startswith("/account/") or "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        answer = browser.get(rule.rule)
        if answer.status_code == 200 and answer.mimetype == "text/html" and 'class="account"' in answer.text:
            assert 'action="/account/sign-out"' in answer.text, rule.rule
            drawn += 1
    assert drawn >= 7


def test_devices_are_listed_and_signed_out_by_their_owner_alone(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """One's own device ends; another customer's is not there."""
    phone, laptop, eve = register(ADA), shop.client(), register(EVE)
    sign_in(laptop)
    page = laptop.get("/account/security").text
    assert page.count('/end"') == 2
    ids = [str(row.id) for row in shop.rows(CustomerSession) if row.customer_id == customer(shop, ADA).id]
    token = token_of(eve.get("/account/security"))
    for session_id in ids:
        assert eve.post(f"/account/sessions/{session_id}/end", data={"csrf_token": token}).status_code == 404
    assert is_signed_in(phone)
    answer = laptop.post(
        "/account/sessions/end-others", data={"csrf_token": token_of(laptop.get("/account/security"))}
    )
    assert answer.status_code == 303
    assert is_signed_in(laptop)
    assert not is_signed_in(phone)


def test_a_changed_password_ends_every_other_session(
    shop: ShopUnderTest, register: SignedIn, mailbox: Mailbox
) -> None:
    """The present one is asked for; this browser stays, under a new token."""
    phone, laptop = register(ADA), shop.client()
    sign_in(laptop)
    before = laptop.get_cookie("account")
    wrong = send(laptop, "/account/password", current="not this one", password="a quieter sentence")
    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    assert is_signed_in(phone)
    assert (
        send(laptop, "/account/password", current=PASSWORD, password="a quieter sentence").status_code == 303
    )
    after = laptop.get_cookie("account")
    assert is_signed_in(laptop)
    assert not is_signed_in(phone)
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert "was changed" in mailbox.to(ADA)[-1].subject


def test_a_new_address_is_confirmed_by_its_mailbox(
    shop: ShopUnderTest, register: SignedIn, mailbox: Mailbox
) -> None:
    """Both addresses are written to; the account moves with the new one's word, and not before."""
    ada = register(ADA)
    assert send(ada, "/account/email", email="new@example.com", current="wrong one").status_code == 422
    assert mailbox.to("new@example.com") == []
    assert send(ada, "/account/email", email="new@example.com", current=PASSWORD).status_code == 200
    assert "new@example.com" in mailbox.to(ADA)[-1].text
    assert customer(shop).email == ADA
    assert send(shop.client(), mailbox.link("new@example.com")).status_code == 303
    assert shop.rows(Customer)[0].email == "new@example.com"
    assert not is_signed_in(ada)
    assert sign_in(shop.client(), "new@example.com").status_code == 303


def test_the_old_address_stops_a_change(shop: ShopUnderTest, register: SignedIn, mailbox: Mailbox) -> None:
    """Whoever asked for it knew the password: they are signed out and their link is dead."""
    thief = register(ADA)
    send(thief, "/account/email", email="thief@example.com", current=PASSWORD)
    assert send(shop.client(), mailbox.link(ADA)).location == "/account/forgotten"
    assert not is_signed_in(thief)
    assert shop.client().get(mailbox.link("thief@example.com")).status_code == 410


def test_changing_to_a_taken_address_tells_nothing(
    shop: ShopUnderTest, register: SignedIn, mailbox: Mailbox
) -> None:
    """The same page; the owner of the address learns that it has an account."""
    register(EVE)
    ada = register(ADA)
    assert "Look into your mailbox" in send(ada, "/account/email", email=EVE, current=PASSWORD).text
    assert "have an account" in mailbox.to(EVE)[-1].subject
    assert {row.email for row in shop.rows(Customer)} == {ADA, EVE}


def test_the_address_book_is_its_owners_alone(shop: ShopUnderTest, register: SignedIn) -> None:
    """Added, changed, offered first, deleted; another's address is not there."""
    ada, eve = register(ADA), register(EVE)
    assert send(ada, "/account/addresses/new", **HOME).status_code == 303
    assert (
        send(ada, "/account/addresses/new", **{**HOME, "line1": "Second 2", "is_default": "y"}).status_code
        == 303
    )
    second, first = sorted(shop.rows(SavedAddress), key=lambda row: row.address["line1"])
    assert (first.is_default, second.is_default) == (False, True)
    path = f"/account/addresses/{first.id}"
    token = token_of(eve.get("/account/addresses/new"))
    assert eve.get(path).status_code == 404
    assert eve.post(path, data={"csrf_token": token, **HOME, "line1": "Eve 1"}).status_code == 404
    assert eve.post(f"{path}/delete", data={"csrf_token": token}).status_code == 404
    wrong = send(ada, path, **{**HOME, "postal_code": "1", "line1": "Third 3"})
    assert wrong.status_code == 422
    assert 'value="Third 3"' in wrong.text
    assert send(ada, path, **{**HOME, "line1": "Third 3"}).status_code == 303
    assert ada.post(f"{path}/delete", data={"csrf_token": token_of(ada.get(path))}).status_code == 303
    assert [row.address["line1"] for row in shop.rows(SavedAddress)] == ["Second 2"]


def test_the_checkout_knows_a_customers_address_and_keeps_a_new_one(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """Filled in from the book; `?address=` takes one of one's own and ignores another's."""
    ada, eve = register(ADA), register(EVE)
    put_in_cart(ada)
    assert 'value="ada@example.com"' in ada.get("/checkout/details").text
    assert step(ada, "/checkout/details", {**DETAILS, "saves_address": "y"}).status_code == 303
    (saved,) = shop.rows(SavedAddress)
    assert (saved.address["line1"], saved.is_default) == ("Werkstr. 12", True)
    put_in_cart(eve)
    assert "Werkstr. 12" not in eve.get(f"/checkout/details?address={saved.id}").text
    send(ada, "/account/addresses/new", **{**HOME, "line1": "Second 2"})
    second = next(row for row in shop.rows(SavedAddress) if row.address["line1"] == "Second 2")
    assert 'value="Second 2"' in ada.get(f"/checkout/details?address={second.id}").text


def lines(shop: ShopUnderTest) -> dict[str, int]:
    """What is in all carts."""
    return {row.sku: row.quantity for row in shop.rows(CartLine)}


def test_carts_are_one_after_signing_in_and_the_same_on_every_device(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """The larger quantity of each article counts, so that the same wish on two devices is not doubled."""
    phone = register(ADA)
    put_in_cart(phone, MUG, 2)
    laptop = shop.client()
    put_in_cart(laptop, MUG, 1)
    put_in_cart(laptop, PAN, 1)
    sign_in(laptop)
    assert lines(shop) == {MUG: 2, PAN: 1}
    assert len(shop.rows(Cart)) == 1
    for browser in (phone, laptop):
        assert browser.get("/cart/count").get_json() == {"count": 3}
    sign_in(shop.client())
    assert lines(shop) == {MUG: 2, PAN: 1}


def test_a_customers_cart_stays_with_the_account_when_they_sign_out(
    shop: ShopUnderTest, register: SignedIn
) -> None:
    """The next person at this computer, and a cookie that was copied, find it empty."""
    ada = register(ADA)
    put_in_cart(ada, MUG, 2)
    copied = ada.get_cookie("cart")
    assert copied is not None
    ada.post("/account/sign-out", data={"csrf_token": token_of(ada.get("/account/"))})
    thief = shop.client()
    thief.set_cookie("cart", copied.value)
    for browser in (ada, thief):
        assert browser.get("/cart/count").get_json() == {"count": 0}
    put_in_cart(thief, PAN, 1)
    sign_in(ada)
    assert ada.get("/cart/count").get_json() == {"count": 2}


def test_an_expired_cart_makes_room_for_a_new_one(shop: ShopUnderTest, register: SignedIn) -> None:
    """A customer has one cart at any time."""
    ada = register(ADA)
    put_in_cart(ada, MUG, 2)
    for _ in range(4):
        shop.clock.advance(10 * 86_400)
        assert is_signed_in(ada)
    put_in_cart(ada, PAN, 1)
    assert lines(shop) == {PAN: 1}


def test_all_that_is_known_is_handed_out(shop: ShopUnderTest, register: SignedIn) -> None:
    """One file with account, addresses, orders and devices, and nobody else's."""
    ada = register(ADA)
    send(ada, "/account/addresses/new", **HOME)
    recorded(shop, customer(shop).id, name="Blue teapot")
    recorded(shop, "", EVE, name="Of Eve")
    token = token_of(ada.get("/account/data"))
    answer = ada.post("/account/data/download", data={"csrf_token": token})
    found = json.loads(answer.text)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert found["account"]["email"] == ADA
    assert found["addresses"][0]["line1"] == "Werkstr. 12"
    assert found["orders"][0]["lines"][0]["name"] == "Blue teapot"
    assert len(found["sessions"]) == 1
    assert "Of Eve" not in answer.text
    assert "password_hash" not in answer.text
    assert "token" not in answer.text


@pytest.mark.parametrize(
    "form", [{"current": "not this one", "is_sure": "y"}, {"current": PASSWORD}], ids=["password", "tick"]
)
def test_an_account_is_not_deleted_by_accident(
    shop: ShopUnderTest, register: SignedIn, form: dict[str, str]
) -> None:
    """Password and tick are both needed."""
    ada = register(ADA)
    token = token_of(ada.get("/account/data"))
    assert ada.post("/account/data/delete", data={"csrf_token": token, **form}).status_code == 422
    assert is_signed_in(ada)


def test_a_deleted_account_leaves_orders_and_ledger_without_the_person(
    shop: ShopUnderTest, register: SignedIn, mailbox: Mailbox
) -> None:
    """What ended loses its person at once; what is under way when it has ended; amounts stay to the cent."""
    ada = register(ADA)
    ended, under_way = (recorded(shop, customer(shop).id) for _ in range(2))
    send(ada, f"{link_to(shop, ended)}/cancel")
    send(ada, "/account/addresses/new", **HOME)
    put_in_cart(ada)
    ledger = [(row.posting_key, row.amount_minor) for row in shop.rows(LedgerEntry)]
    token = token_of(ada.get("/account/data"))
    gone = ada.post("/account/data/delete", data={"csrf_token": token, "current": PASSWORD, "is_sure": "y"})
    gone.get_data()
    gone.close()
    assert gone.location == "/account/goodbye"
    assert not is_signed_in(ada)
    for table in (Customer, CustomerSession, SavedAddress, Cart):
        assert shop.rows(table) == []
    orders = {str(row.id): row for row in shop.rows(Order)}
    assert (orders[ended].email, orders[ended].phone, orders[ended].customer_id) == ("", "", "")
    assert "Hauptstr" not in json.dumps(orders[ended].shipping_address)
    assert orders[ended].total_minor > 0
    assert orders[under_way].shipping_address["line1"] == "Hauptstr. 1"
    assert "deleted" in mailbox.to(ADA)[-1].subject
    with shop.app.app_context():
        assert personal_data.finish_erasures() == 0
    _end(shop, under_way)
    with shop.app.app_context():
        assert personal_data.finish_erasures() == 1
    assert shop.rows(CustomerErasure) == []
    assert all(row.email == "" for row in shop.rows(Order))
    assert [(row.posting_key, row.amount_minor) for row in shop.rows(LedgerEntry)][: len(ledger)] == ledger


def _end(shop: ShopUnderTest, order_id: str) -> None:
    with shop.app.app_context():
        cancel_order(desk(), OrderId(order_id), command_id=f"end:{order_id}", actor=SYSTEM)
