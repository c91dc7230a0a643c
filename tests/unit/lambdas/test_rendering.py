"""The words that shoppers read: every event, in e-mail and text, honest, escaped and complete."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lambdas.notify_customer.rendering import TEMPLATES, JinjaRenderer
from orders.domain.errors import Poison
from orders.domain.events import NOTIFIED, EventType
from orders.messages import event_to_dict
from tests.order_event_samples import order_event, order_part

RENDERER = JinjaRenderer("Cartwright & Co", "https://shop.example")
EVENTS = sorted(NOTIFIED)


def payload(event: EventType = EventType.ORDER_CONFIRMED, **changes: Any) -> dict[str, Any]:
    data = changes.pop("data", {})
    return event_to_dict(order_event(event, **data), order_part(**changes))


@pytest.mark.parametrize("event", EVENTS)
def test_every_notified_event_has_words_for_every_channel(event: EventType) -> None:
    mail = RENDERER.email(payload(event))
    text = RENDERER.sms(payload(event))
    assert "CW-7K3M9-PQ4TX-5" in mail.subject
    assert len(mail.subject) <= 80
    for body in (mail.text, mail.html):
        assert "https://shop.example/orders/abc" in body
        assert "Hello Ada," in body
        assert "{{" not in body
        assert "None" not in body
    assert text.startswith("Cartwright & Co: ")
    assert text.endswith(" https://shop.example/orders/abc")
    assert len(text) < 250


def test_there_is_one_file_of_words_per_event_and_no_other() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.words")} == {str(event) for event in NOTIFIED}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_with_only_the_least_is_rendered_too(event: EventType) -> None:
    """An event of an older release may lack what was added since."""
    least = {**payload(event), "order": {"email": "ada@example.org"}, "data": {}}
    mail = RENDERER.email(least)
    assert "Hello there," in mail.text
    assert RENDERER.sms(least)


def test_what_shoppers_typed_is_escaped_in_html_and_plain_in_text() -> None:
    mail = RENDERER.email(payload(name='<img src=x onerror="x">', shop_name="A & B"))
    assert "<img" not in mail.html
    assert "&lt;img" in mail.html
    assert "A &amp; B" in mail.html
    assert "Hello <img," in mail.text
    assert "A & B" in mail.text


def test_the_confirmation_lists_lines_sums_and_address() -> None:
    mail = RENDERER.email(payload(discount_minor=500, total_minor=2490))
    for piece in ("2 x Mug (Red)  €25.00", "Discount       −€5.00", "Total          €24.90", "10115 Berlin"):
        assert piece in mail.text
    assert "Including tax  €4.77" in mail.text


def test_tax_on_top_of_the_prices_stands_before_the_total() -> None:
    mail = RENDERER.email(payload(total_minor=2990 + 477))
    assert re.search(r"Tax +€4\.77\nTotal +€34\.67", mail.text)


def test_a_parcel_is_told_with_its_number_and_link() -> None:
    data = {"carrier": "DHL", "tracking_number": "JJD1", "tracking_url": "https://dhl.example/JJD1"}
    event = payload(EventType.ORDER_SHIPPED, data=data)
    mail = RENDERER.email(event)
    assert 'href="https://dhl.example/JJD1"' in mail.html
    assert "DHL: JJD1" in mail.text
    assert "(DHL JJD1)" in RENDERER.sms(event)


def test_a_parcel_lists_its_own_pieces() -> None:
    """The worker names a parcel's lines by SKU; the words come from the order."""
    lines = [{"sku": "TEA", "name": "Tea", "quantity": 3}, {"sku": "MUG-RED", "name": "Mug", "quantity": 2}]
    event = payload(EventType.ORDER_PARTLY_SHIPPED, lines=lines, data={"lines": {"MUG-RED": 1}})
    mail = RENDERER.email(event)
    assert "1 x Mug" in mail.text
    assert "Tea" not in mail.text
    older = [{"name": "Mug", "quantity": 2}]
    event = payload(EventType.ORDER_SHIPPED, lines=older, data={"lines": {"MUG-RED": 2}})
    assert "2 x Mug" in RENDERER.email(event).text


def test_a_changed_order_is_told_with_what_it_saves_and_where_the_money_goes() -> None:
    """S10: the difference is paid back after the capture and not charged before it."""
    data = {"amount_minor": 1250, "taken_off": {"MUG-RED": 1}}
    paid_back = payload(EventType.ORDER_EDITED, data={**data, "is_paid_back": True})
    not_charged = payload(EventType.ORDER_EDITED, data={**data, "is_paid_back": False})
    assert "€12.50 less" in RENDERER.email(paid_back).html
    assert "goes back to the card" in RENDERER.email(paid_back).text
    assert "The difference is not charged." in RENDERER.email(not_charged).text
    assert "€12.50 less to pay" in RENDERER.sms(paid_back)


def test_a_confirmation_after_a_change_says_what_is_left_to_pay() -> None:
    """An order that was held may be changed before it is confirmed."""
    mail = RENDERER.email(payload(taken_off_minor=1250))
    assert re.search(r"Taken off +−€12\.50\nYou pay +€17\.40", mail.text)
    assert "You pay" in mail.html


def test_a_refund_names_its_amount() -> None:
    event = payload(EventType.PAYMENT_PARTLY_REFUNDED, data={"amount_minor": 1250})
    assert "€12.50" in RENDERER.email(event).text
    assert "€12.50" in RENDERER.sms(event)


def test_headers_tie_the_mail_to_its_order_and_offer_a_way_out() -> None:
    mail = RENDERER.email(payload(unsubscribe_url="https://shop.example/u"))
    assert mail.headers == {
        "X-Correlation-Id": "c" * 32,
        "X-Order-Number": "CW-7K3M9-PQ4TX-5",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": "<https://shop.example/u>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert "List-Unsubscribe" not in RENDERER.email(payload()).headers


def test_an_event_that_nobody_is_told_about_is_poison() -> None:
    with pytest.raises(Poison):
        RENDERER.email(payload(EventType.NOTE_ADDED))


def test_the_day_of_a_letter_is_unmistakable() -> None:
    assert "2 November 2026" in RENDERER.email({**payload(), "at": "2026-11-02T23:00:00+00:00"}).html


def test_addresses_and_carriers_are_named_as_people_name_them() -> None:
    """A country's code is for machines, and so is the code of a carrier that we are connected to."""
    address = {
        "name": "Ada",
        "line1": "Werkstr. 12",
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
    }
    data = {"carrier": "cartwright-post", "tracking_number": "CW1", "tracking_url": ""}
    mail = RENDERER.email(payload(EventType.ORDER_SHIPPED, data=data, shipping_address=address))
    assert "10115 Berlin\nGermany" in mail.text
    assert "Germany" in mail.html
    assert "Cartwright Post: CW1" in mail.text


@pytest.mark.parametrize("event", [EventType.ORDER_CANCELLED, EventType.ORDER_EXPIRED])
def test_what_will_not_be_sent_has_no_delivery_address(event: EventType) -> None:
    """The letter would contradict itself: nothing is delivered there."""
    mail = RENDERER.email(payload(event))
    assert "Delivery address" not in mail.text + mail.html
    assert "Mug" in mail.text
    assert "Delivery address (Standard):" in RENDERER.email(payload(EventType.ORDER_CONFIRMED)).text
