"""POST /orders: what is accepted, what is refused and why, and that a refusal writes nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from orders.domain.errors import OutcomeUnknown, Unavailable
from orders.domain.ids import Sku
from tests.lambda_events import CORRELATION_ID, http_event
from tests.order_samples import order_body
from tests.unit.lambdas.conftest import Shop


def test_an_order_is_accepted_reserved_tracked_and_queued(shop: Shop) -> None:
    shop.stock()
    body = order_body()
    reply = shop.post(body, headers={"Idempotency-Key": body["order_id"]})
    assert reply.status == 202, reply.json
    assert reply.json["order_id"] == body["order_id"]
    assert reply.json["total_minor"] == 2990
    assert reply.headers["Location"] == f"/orders/{body['order_id']}"
    assert reply.headers["X-Correlation-Id"] == CORRELATION_ID
    assert shop.inventory.levels([Sku("MUG-RED")])[Sku("MUG-RED")].reserved == 2
    (message,) = shop.messages()
    assert message["id"] == f"record_order:{body['order_id']}"
    assert message["correlation_id"] == CORRELATION_ID
    assert message["traceparent"].startswith(f"00-{CORRELATION_ID}-")
    assert message["payload"]["order"]["lines"][0]["sku"] == "MUG-RED"
    assert shop.get(body["order_id"]).json["stage"] == "placed"


def test_a_repeat_gets_the_first_answer_and_changes_nothing(shop: Shop) -> None:
    """Promise I4: the same answer on replay, however much later and with whatever correlation id."""
    shop.stock()
    body = order_body()
    first = shop.post(body)
    shop.clock.advance(3600)
    again = shop.post(body, headers={"x-correlation-id": "f" * 32})
    assert (again.status, again.json) == (first.status, first.json)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.inventory.levels([Sku("MUG-RED")])[Sku("MUG-RED")].reserved == 2
    assert len(shop.messages()) == 1


def test_a_refusal_is_final_for_who_has_lost_an_answer(shop: Shop) -> None:
    """The lost request may come after its refused repeat, when the stock is there again: it must not be accepted then."""
    shop.stock(pieces=1)
    body = order_body()
    assert not shop.post(body).json["is_final"]
    lost = {"X-Answer-Lost": "true", "X-Attempt": "1"}
    refused = shop.post(body, headers=lost)
    assert (refused.status, refused.json["code"], refused.json["is_final"]) == (409, "order_refused", True)
    shop.inventory.restock(Sku("MUG-RED"), 5, "again")
    late = shop.post(body)
    assert (late.status, late.json["lines"]) == (409, refused.json["lines"])
    assert shop.is_untouched()
    assert (
        shop.post(order_body(order_id=body["order_id"], note="smaller"), headers={"X-Attempt": "2"}).status
        == 202
    )


def test_an_order_that_was_accepted_is_not_refused_afterwards(shop: Shop) -> None:
    """The lost request had been accepted, and took the last pieces that its repeat would need."""
    shop.stock(pieces=2)
    body = order_body()
    first = shop.post(body)
    again = shop.post(body, headers={"X-Answer-Lost": "true"})
    assert (again.status, again.json) == (202, first.json)


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many", "1001", "²"])
def test_an_attempt_is_a_small_positive_number(shop: Shop, given: str) -> None:
    shop.stock()
    refused = shop.post(order_body(), headers={"X-Attempt": given})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "/headers/X-Attempt")
    assert shop.is_untouched()


def test_a_foreign_order_id_is_refused_and_says_nothing_about_its_order(shop: Shop) -> None:
    """The key was used with another body: 422, and not one word of the other order."""
    shop.stock()
    body = order_body()
    shop.post(body)
    reply = shop.post(order_body(order_id=body["order_id"], note="another"))
    assert (reply.status, reply.json["code"]) == (422, "idempotency_conflict")
    assert "Ada" not in reply.text
    assert shop.inventory.levels([Sku("MUG-RED")])[Sku("MUG-RED")].reserved == 2


def test_a_refusal_names_every_line_and_why(shop: Shop) -> None:
    shop.stock(pieces=1)
    shop.stock("BOWL", price=500)
    reply = shop.post(order_body([("MUG-RED", 2, 1250), ("BOWL", 1, 400), ("NOBODY", 1, 100)]))
    assert (reply.status, reply.json["code"]) == (409, "order_refused")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json["lines"] == [
        {"sku": "MUG-RED", "reason": "out_of_stock", "requested": 2, "available": 1, "price_minor": 1250},
        {"sku": "BOWL", "reason": "price_changed", "requested": 1, "available": 10, "price_minor": 500},
        {"sku": "NOBODY", "reason": "unknown_sku", "requested": 1},
    ]
    assert shop.is_untouched()


def without(field: str) -> dict[str, Any]:
    body = order_body()
    del body[field]
    return body


def with_line(**changes: Any) -> dict[str, Any]:
    body = order_body()
    body["lines"][0] |= changes
    return body


BAD_BODIES: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", ""),
    "nothing": ("", ""),
    "a list": ([], ""),
    "a text": ('"order"', ""),
    "NaN": ('{"a": NaN}', ""),
    "a field twice": ('{"note": "a", "note": "b"}', ""),
    "too deep": ("[" * 20_000 + "]" * 20_000, ""),
    "half a surrogate pair": (json.dumps(order_body()).replace("Berlin", "\\ud800"), ""),
    "a missing field": (without("contact"), "/contact"),
    "an unknown field": (order_body(is_admin=True), "/is_admin"),
    "an unknown field in a line": (with_line(price=1), "/lines/0/price"),
    "another schema version": (order_body(schema_version=2), "/schema_version"),
    "a version that is true": (order_body(schema_version=True), "/schema_version"),
    "a text for a number": (with_line(quantity="2"), "/lines/0/quantity"),
    "a fraction": (with_line(quantity=1.5), "/lines/0/quantity"),
    "a float that is whole": (with_line(unit_price_minor=1250.0), "/lines/0/unit_price_minor"),
    "true for a number": (with_line(quantity=True), "/lines/0/quantity"),
    "one for true": (order_body(tax={"code": "DE", "rate_ppm": 0, "is_inclusive": 1}), "/tax/is_inclusive"),
    "a negative quantity": (with_line(quantity=-1), "/lines/0/quantity"),
    "no pieces": (with_line(quantity=0), "/lines/0/quantity"),
    "a quantity of 10^9": (with_line(quantity=10**9), "/lines/0/quantity"),
    "a quantity of 10^400": (with_line(quantity=10**400), "/lines/0/quantity"),
    "a negative price": (with_line(unit_price_minor=-1), "/lines/0/unit_price_minor"),
    "no lines": (order_body(lines=[]), "/lines"),
    "99 lines": (order_body([(f"S-{n}", 1, 100) for n in range(99)]), "/lines"),
    "101 lines": (order_body([(f"S-{n}", 1, 100) for n in range(101)]), "/lines"),
    "a SKU twice": (order_body([("MUG-RED", 1, 1250), ("MUG-RED", 1, 1250)]), "/lines/1/sku"),
    "a SKU with a line break": (with_line(sku="MUG-RED\n"), "/lines/0/sku"),
    "a currency per line": (with_line(currency="USD"), "/lines/0/currency"),
    "another currency": (order_body(currency="USD"), "/currency"),
    "no currency at all": (order_body(currency="money"), "/currency"),
    "an id that is none": (order_body(order_id="7"), "/order_id"),
    "an id of version 4": (order_body(order_id="9b2f8a52-6c1b-4d0e-8a53-0c5d1f6b7a11"), "/order_id"),
    "a total that does not add up": (order_body(total_minor=1), "/total_minor"),
    "an authorisation that is too small": (
        order_body(payment={"provider": "test", "reference": "p", "amount_minor": 1}),
        "/payment/amount_minor",
    ),
    "a discount above the goods": (order_body(discount_minor=2501), "/discount_minor"),
    "control characters": (order_body(note="a\x00b"), "/note"),
    "a note that is too long": (order_body(note="x" * 501), "/note"),
    "a phone number in words": (
        order_body(contact={"name": "A", "email": "a@example.org", "phone": "five"}),
        "/contact/phone",
    ),
    "an e-mail that is none": (order_body(contact={"name": "A", "email": "a@"}), "/contact/email"),
}


@pytest.mark.parametrize(("body", "pointer"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_input_is_a_clear_400_and_nothing_is_written(shop: Shop, body: Any, pointer: str) -> None:
    """Issue 2, Bad input: the answer names the field, and says what to do about it."""
    shop.stock()
    reply = shop.post(body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request"), reply.json
    assert pointer in [problem["pointer"] for problem in reply.json["errors"]]
    assert all(problem["detail"] for problem in reply.json["errors"])
    assert shop.is_untouched()


def test_every_problem_is_reported_at_once(shop: Shop) -> None:
    reply = shop.post(order_body(note="x" * 501, currency="", total_minor=-1))
    assert [problem["pointer"] for problem in reply.json["errors"]] == ["/currency", "/note", "/total_minor"]


def test_ninety_eight_lines_are_taken(shop: Shop) -> None:
    lines = [(f"S-{n}", 1, 100) for n in range(98)]
    for sku, _, price in lines:
        shop.stock(sku, price=price)
    assert shop.post(order_body(lines)).status == 202


def test_a_huge_body_is_a_413(shop: Shop) -> None:
    shop.stock()
    reply = shop.post(json.dumps(order_body()) + " " * 70_000)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    assert shop.is_untouched()


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_another_media_type_is_a_415(shop: Shop, content_type: str) -> None:
    shop.stock()
    reply = shop.post(order_body(), headers={"content-type": content_type})
    assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type")
    assert shop.is_untouched()


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_media_types_are_compared_as_http_says(shop: Shop, content_type: str) -> None:
    shop.stock()
    assert shop.post(order_body(), headers={"content-type": content_type}).status == 202


def test_a_key_that_is_not_the_order_id_is_refused(shop: Shop) -> None:
    shop.stock()
    reply = shop.post(order_body(), headers={"Idempotency-Key": "another"})
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (400, "/order_id")
    assert shop.is_untouched()


def test_a_binary_body_is_decoded(shop: Shop) -> None:
    from lambdas.submit_order import handler

    shop.stock()
    event = http_event("/orders", order_body())
    event["body"], event["isBase64Encoded"] = base64.b64encode(event["body"].encode()).decode(), True
    assert handler.handle(event, None)["statusCode"] == 202
    event["body"] = "not base64!"
    assert handler.handle(event, None)["statusCode"] == 400


def test_a_store_that_does_not_answer_is_a_503_with_a_hint(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Unavailable("TransactWriteItems: throttled (secret-table)", retry_after_seconds=2.2)

    monkeypatch.setattr(shop.inventory, "reserve", fails)
    reply = shop.post(order_body())
    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert reply.headers["Retry-After"] == "3"
    assert "secret-table" not in reply.text


def test_a_queue_that_does_not_answer_does_not_stop_an_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is accepted and stays in the outbox, from where the sweeper sends it (promise I2)."""

    def fails(*_: object, **__: object) -> None:
        raise OutcomeUnknown("SendMessage: the answer was lost")

    shop.stock()
    with monkeypatch.context() as patched:
        patched.setattr(shop.queue, "send", fails)
        body = order_body()
        assert shop.post(body).status == 202
    assert not shop.messages()
    shop.clock.advance(60)
    assert len(shop.inventory.unsent(shop.clock.now(), 10)) == 1
    assert shop.post(body).status == 202
    assert len(shop.messages()) == 1


def test_a_defect_is_a_500_without_its_text_and_with_a_log(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(shop.inventory, "reserve", fails)
    reply = shop.post(order_body())
    assert (reply.status, reply.json["code"]) == (500, "error")
    assert "hunter2" not in reply.text
    assert any(record.exc_info for record in caplog.records)


def test_one_line_is_logged_per_request_without_personal_data(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.stock()
    with caplog.at_level("INFO"):
        body = order_body()
        shop.post(body)
    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "request"]
    assert (line["status"], line["order_id"], line["route"]) == (202, body["order_id"], "/orders")
    assert not any("ada@example.org" in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("given", ["short", "has space in it", "new\nline-and-more", "ü" * 12, ""])
def test_an_unsafe_correlation_id_is_replaced(shop: Shop, given: str) -> None:
    shop.stock()
    reply = shop.post(order_body(), headers={"x-correlation-id": given})
    assert reply.headers["X-Correlation-Id"] != given
    assert len(reply.headers["X-Correlation-Id"]) == 32
