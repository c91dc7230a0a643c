"""What travels: bodies, envelopes and events come back as they went, and what is not one of ours is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.errors import InvalidRequest, Poison
from orders.domain.money import MAX_AMOUNT_MINOR
from orders.domain.request import OrderRequest
from orders.messages import (
    MAX_BODY_BYTES,
    canonical_json,
    decode_cancellation,
    decode_event,
    decode_job,
    decode_order_request,
    encode_event,
    encode_job,
    encode_order_request,
    event_to_dict,
    fingerprint,
    order_request_to_dict,
    parse_json,
    restore_order_request,
)
from orders.ports import JobMessage
from tests.order_event_samples import order_event, order_part
from tests.order_samples import order_body, order_request

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    skus = draw(st.lists(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), min_size=1, max_size=5))
    dearest = MAX_AMOUNT_MINOR // (1000 * len(skus))  # the sum, with its shipping, is an amount too
    lines = [(sku, draw(st.integers(1, 999)), draw(st.integers(0, dearest))) for sku in skus]
    body = order_body(lines, note=draw(TEXT), client=draw(st.dictionaries(TEXT, TEXT, max_size=3)))
    body["shipping_address"] = {**body["shipping_address"], "city": draw(TEXT), "line2": draw(TEXT)}
    return decode_order_request(json.dumps(body))


@given(requests())
def test_a_request_comes_back_as_it_went(request: OrderRequest) -> None:
    assert decode_order_request(encode_order_request(request)) == request
    assert decode_order_request(order_request_to_dict(request)) == request
    assert restore_order_request(json.loads(json.dumps(order_request_to_dict(request)))) == request


@given(requests(), requests())
def test_fingerprints_tell_requests_apart(one: OrderRequest, other: OrderRequest) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_the_order_of_fields_and_white_space_do_not_make_another_order() -> None:
    body = order_body()
    shuffled = json.dumps(dict(reversed(body.items())), indent=3)
    assert fingerprint(decode_order_request(shuffled)) == fingerprint(decode_order_request(body))


@pytest.mark.parametrize(
    "change",
    [{"note": "x"}, {"discount_code": "A"}, {"total_minor": 1}, {"client": {"a": "b"}}, {"currency": "USD"}],
)
def test_every_field_counts_for_the_fingerprint(change: dict[str, Any]) -> None:
    request = order_request()
    assert fingerprint(replace(request, **change)) != fingerprint(request)


def test_bodies_up_to_the_limit_are_parsed_and_larger_ones_are_not() -> None:
    assert parse_json('"' + "x" * (MAX_BODY_BYTES - 2) + '"')
    with pytest.raises(InvalidRequest):
        parse_json('"' + "x" * (MAX_BODY_BYTES - 1) + '"')
    with pytest.raises(InvalidRequest):
        parse_json('"' + "ü" * (MAX_BODY_BYTES // 2) + '"')


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b'{"a": "\xc3\x28"}', '{"a": "\ud800"}', '"\\udfff"', "Infinity", "1e", "[" * 10_000],
)
def test_what_is_not_json_text_is_refused(body: str | bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_json(body)


def test_pointers_escape_what_json_pointer_escapes() -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_order_request(order_body(**{"a/b~c": 1}))
    assert refused.value.problems[0].pointer == "/a~1b~0c"


def test_a_cancellation_needs_nothing_and_takes_nothing_else() -> None:
    assert decode_cancellation("{}").reason == ""
    assert decode_cancellation('{"reason": "late", "customer_id": "c"}').customer_id == "c"
    with pytest.raises(InvalidRequest):
        decode_cancellation('{"order_id": "another"}')


JSON_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=8,
)


@given(TEXT, TEXT, st.dictionaries(TEXT, JSON_DATA, max_size=3), st.timezones())
def test_an_envelope_comes_back_as_it_went(
    message_id: str, job: str, payload: dict[str, Any], zone: Any
) -> None:
    sent = JobMessage(
        id=message_id,
        job=job,
        payload=payload,
        order_id="o",
        correlation_id="c",
        traceparent="t",
        enqueued_at=datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=zone).astimezone(UTC),
    )
    assert decode_job(encode_job(sent)) == sent


def test_times_travel_in_utc() -> None:
    at = datetime(2026, 11, 22, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert '"2026-11-22T12:00:00+00:00"' in encode_job(JobMessage("i", "j", {}, enqueued_at=at))


GOOD = json.loads(encode_job(JobMessage("i", "j", {})))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '"text"',
        "{}",
        canonical_json({**GOOD, "schema_version": 2}),
        canonical_json({**GOOD, "id": ""}),
        canonical_json({**GOOD, "job": 7}),
        canonical_json({**GOOD, "payload": "text"}),
        canonical_json({**GOOD, "payload": None}),
        canonical_json({**GOOD, "enqueued_at": "yesterday"}),
    ],
)
def test_what_is_no_envelope_is_poison(body: str) -> None:
    with pytest.raises(Poison):
        decode_job(body)


def test_an_event_comes_back_as_it_went() -> None:
    payload = event_to_dict(order_event(amount_minor=5), order_part())
    assert decode_event(encode_event(payload)) == payload


@pytest.mark.parametrize("change", [{"schema_version": 2}, {"event": ""}, {"order": []}, {"order_id": 5}])
def test_what_is_no_event_is_poison(change: dict[str, Any]) -> None:
    payload = {**event_to_dict(order_event(), order_part()), **change}
    with pytest.raises(Poison):
        decode_event(canonical_json(payload))
