"""The checkout and the order's page in another language: every text, the order's own language, and what was kept meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from orders.domain.ids import Sku
from tests.integration.webapp.bracketed import bracket_german, outside_of_brackets
from tests.integration.webapp.conftest import (
    ANSWER_LOST,
    APPROVED,
    CHALLENGED,
    DECLINED,
    DETAILS,
    MUG_BLUE,
    PAN,
    ShopUnderTest,
    fill_in,
    hidden,
    pay_with,
    place,
    put_in_cart,
    send,
    token_of,
)
from tests.integration.webapp.tongues import languages_of


class GermanClient(FlaskClient):
    """A browser that stays in the German shop."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """See FlaskClient."""
        address, *rest = args
        if isinstance(address, str) and address.startswith("/") and not address.startswith("/de/"):
            address = f"/de{address}"
        return super().open(address, *rest, **kwargs)


def german(shop: ShopUnderTest) -> FlaskClient:
    """A new browser at the German shop."""
    return GermanClient(shop.app, shop.app.response_class)


def locale_of(shop: ShopUnderTest) -> str:
    """The language of the order that was handed on."""
    return str(json.loads(shop.order_api.bodies[-1])["contact"]["locale"])


def test_a_guest_buys_in_german(shop: ShopUnderTest) -> None:
    """Every step, the button that German law wants, the order's page and its stream; the order knows its language."""
    browser = german(shop)
    put_in_cart(browser)
    assert "Für wen ist es?" in browser.get("/checkout/details").text
    review = fill_in(browser)
    assert '<html lang="de"' in review.text
    assert "Zahlungspflichtig bestellen: 19,90\u00a0€" in review.text
    assert "Visa mit den Endziffern 4242" in review.text
    answer = place(browser, review)
    assert answer.location.startswith("/de/orders/")
    page = browser.get(answer.location)
    assert "Wir haben Ihre Bestellung" in page.text
    assert "Voraussichtlich bis" in page.text
    assert f'data-live="{answer.location}/live"' in page.text
    assert locale_of(shop) == "de"

    plain = answer.location.removeprefix("/de")
    assert "We have your order" in shop.client().get(plain).text
    for address, said in ((answer.location, "Wir haben Ihre Bestellung"), (plain, "We have your order")):
        stream = iter(shop.client().get(f"{address}/live").response)
        assert said in next(event for event in map(_text, stream) if "data:" in event)


def _text(event: bytes | str) -> str:
    return event.decode() if isinstance(event, bytes) else event


def test_the_delivery_is_called_as_its_reader_calls_it(shop: ShopUnderTest) -> None:
    """In German from the cart to the order's page; the order itself keeps the shop's own name, which staff read."""
    browser = german(shop)
    put_in_cart(browser)
    assert "Standardversand" in browser.get("/cart").text
    review = fill_in(browser)
    delivery = browser.get("/checkout/delivery").text
    assert "Standardversand" in delivery
    assert "Klimaneutrales Paket" in delivery
    assert "Standardversand" in review.text
    address = place(browser, review).location
    assert json.loads(shop.order_api.bodies[-1])["shipping"]["name"] == "Standard delivery"
    assert "Standardversand" in browser.get(address).text
    english = shop.client().get(address.removeprefix("/de")).text
    assert "Standard delivery" in english
    assert "Standardversand" not in english


def test_the_order_speaks_the_language_of_its_click(shop: ShopUnderTest) -> None:
    """Who began in English and places the order in German gets German letters."""
    browser = shop.client()
    put_in_cart(browser)
    fill_in(browser)
    assert shop.checkout().contact["locale"] == "en"
    review = browser.get("/de/checkout/review")
    assert 'action="/de/checkout/place"' in review.text
    fields = {name: hidden(review, name) for name in ("checkout_id", "version")}
    browser.post("/de/checkout/place", data={**fields, "csrf_token": token_of(review)})
    assert locale_of(shop) == "de"


def test_what_a_placing_leaves_to_be_said_has_its_readers_language(shop: ShopUnderTest) -> None:
    """It is kept in English, whoever was at work: a page, the reconciler, or the release before."""
    browser = german(shop)
    put_in_cart(browser)
    place(browser, fill_in(browser, DECLINED))
    english = "Your bank declined the payment. Nothing was charged; try another card."
    assert shop.checkout().notice == english
    assert "Ihre Bank hat die Zahlung abgelehnt." in browser.get("/checkout/payment").text
    assert english in FlaskClient.open(browser, "/checkout/payment").text
    assert place(browser, pay_with(browser, APPROVED)).location.startswith("/de/orders/")


def test_the_bank_sends_back_into_the_same_language(shop: ShopUnderTest) -> None:
    """The bank's own page is in no language of ours; the way back is."""
    browser = german(shop)
    put_in_cart(browser)
    asked = place(browser, fill_in(browser, CHALLENGED)).location
    assert asked.startswith("http://localhost/bank/")
    page = browser.get(asked)
    back = browser.post(asked, data={"csrf_token": token_of(page), "answer": "approve"})
    assert back.location == "http://localhost/de/checkout/return"
    assert browser.get(back.location).location.startswith("/de/orders/")


def test_what_is_wrong_with_a_form_is_said_in_german(shop: ShopUnderTest) -> None:
    """Beside the field and in the summary: our own rules, limits with their numbers, and choices that are none."""
    browser = german(shop)
    put_in_cart(browser)
    wrong = {**DETAILS, "shipping-postal_code": "1011", "email": "ada", "shipping-city": "x" * 81}
    page = send(browser, "/checkout/details", {**wrong, "shipping-country": "XX"})
    assert "Einige Angaben fehlen oder stimmen nicht" in page.text
    assert "Höchstens 80 Zeichen." in page.text
    assert "Bitte wählen Sie ein Land." in page.text
    assert "Deutschland" in send(browser, "/checkout/details", wrong).text


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ShopUnderTest:
    """A shop whose German is English in brackets."""
    bracket_german(monkeypatch)
    shop: ShopUnderTest = request.getfixturevalue("shop")
    return shop


def test_no_text_of_the_way_to_an_order_is_forgotten(bracketed: ShopUnderTest) -> None:
    """Every page from the first step to the order, filled in, wrong and refused, says nothing that is in no catalogue."""
    shop, browser = bracketed, german(bracketed)
    pages = {}

    def look(name: str, page: TestResponse) -> TestResponse:
        assert page.status_code in {200, 409}, (name, page.status_code)
        pages[name] = page.text
        return page

    put_in_cart(browser, MUG_BLUE, 3)
    look("details", browser.get("/checkout/details"))
    look(
        "details, wrong",
        send(browser, "/checkout/details", {"shipping-country": "", "phone": "1", "has_other_billing": "y"}),
    )
    send(browser, "/checkout/details", {**DETAILS, "has_other_billing": "y", **_billing()})
    look("delivery", browser.get("/checkout/delivery"))
    look("delivery, wrong", send(browser, "/checkout/delivery", {"shipping_code": "horse"}))
    send(browser, "/checkout/delivery", {"shipping_code": "standard", "note": "Ada Lovelace"})
    look("payment, wrong", send(browser, "/checkout/payment", {"number": "1", "expiry": "1", "code": "1"}))
    review = look("review", pay_with(browser, APPROVED))
    look("payment, again", browser.get("/checkout/payment"))
    put_in_cart(browser, PAN)
    look("changed", place(browser, review))
    _refuse(shop)
    refused = place(browser, browser.get("/checkout/review"))
    page = look("refused", browser.get(refused.location, follow_redirects=True))
    browser.post("/checkout/mend", data={"csrf_token": token_of(page)})
    lost = place(browser, pay_with(browser, CHALLENGED))
    assert "/bank/" in lost.location
    look("challenged", browser.get("/checkout/return", follow_redirects=True))
    checkout = shop.checkout()
    browser.post(f"/checkout/other-card/{checkout.id}", data={"csrf_token": token_of(browser.get("/cart"))})
    look("not confirmed", browser.get("/checkout/payment"))
    lost = place(browser, pay_with(browser, ANSWER_LOST))
    address = browser.get(lost.location).location
    look("order", browser.get(address))

    for name in ("details", "delivery", "review", "order"):
        assert languages_of(pages[name], ["Mug"]) == {"Mug": {"en"}}, name
    own = (*DETAILS.values(), _number(pages["order"]))
    assert {name: found for name, page in pages.items() if (found := outside_of_brackets(page, *own))} == {}
    english = shop.client().get(address.removeprefix("/de")).text
    assert "What you ordered" in outside_of_brackets(english, *own), "the test sees what has no brackets"


def _billing() -> dict[str, str]:
    return {
        name.replace("shipping", "billing"): text
        for name, text in DETAILS.items()
        if name.startswith("shipping")
    }


def _refuse(shop: ShopUnderTest) -> None:
    def somebody_else_buys() -> None:
        shop.order_api.before = None
        shop.inventory.adjust(Sku(MUG_BLUE), -1, "taken")

    shop.order_api.before = somebody_else_buys


def _number(page: str) -> str:
    return page.split('class="number">')[1].split("<")[0]
