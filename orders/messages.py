"""Wire formats: the API body, the queue envelope and the event on the topic, each with a schema version.

Decoding refuses unknown fields, wrong types and values out of range, and reports every problem at once as
InvalidRequest with JSON pointers; encoding is canonical (sorted keys, no white space), so equal things have equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from typing import Any, cast

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from orders.domain.errors import InvalidRequest, Poison, Problem
from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku, is_order_id
from orders.domain.money import MAX_AMOUNT_MINOR, RATE_SCALE
from orders.domain.pricing import TaxRule
from orders.domain.request import (
    MAX_LINES,
    MAX_QUANTITY,
    Address,
    Contact,
    LineRequest,
    OrderRequest,
    PaymentChoice,
    ShippingChoice,
)
from orders.ports import JobMessage

SCHEMA_VERSION = 1
MAX_BODY_BYTES = 64 * 1024
"""Cap on an API body and on a queue message: a quarter of SQS's old limit, and far above a real order."""


class _Pattern(validate.Regexp):
    """A pattern for the whole text: Python's `$` alone would let a final line break pass."""

    def __call__(self, value: Any) -> Any:
        if cast("re.Pattern[str]", self.regex).fullmatch(value) is None:
            raise ValidationError(self._format_error(value))
        return value


_NO_CONTROL = _Pattern(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", error="must not contain control characters")


def _text(maximum: int, *, minimum: int = 0, **kwargs: Any) -> fields.String:
    return fields.String(validate=[validate.Length(min=minimum, max=maximum), _NO_CONTROL], **kwargs)


class _Whole(fields.Integer):
    """JSON integers only: neither "5", nor 5.0, nor true."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class _Truth(fields.Boolean):
    """JSON true and false only: neither 1 nor "yes"."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


def _whole(minimum: int, maximum: int, **kwargs: Any) -> fields.Integer:
    return _Whole(validate=validate.Range(min=minimum, max=maximum), **kwargs)


def _amount(**kwargs: Any) -> fields.Integer:
    return _whole(0, MAX_AMOUNT_MINOR, **kwargs)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class LineSchema(_Strict):
    """One line of the request."""

    sku = fields.String(required=True, validate=_Pattern(r"^[A-Za-z0-9._-]{1,64}$", error="is not a SKU"))
    quantity = _whole(1, MAX_QUANTITY, required=True)
    unit_price_minor = _amount(required=True)
    name = _text(200, minimum=1, required=True)
    variant = _text(120, load_default="")
    product_slug = _text(120, load_default="")
    image = _text(200, load_default="")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> LineRequest:
        return LineRequest(**{**data, "sku": Sku(data["sku"])})


class ContactSchema(_Strict):
    """How to reach the shopper."""

    name = _text(120, minimum=1, required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = fields.String(
        load_default="",
        validate=_Pattern(r"^(\+[1-9][0-9]{6,14})?$", error="write it as +49301234567"),
    )
    wants_sms = _Truth(load_default=False)
    locale = fields.String(
        load_default="en",
        validate=_Pattern(r"^[a-z]{2}(-[A-Z]{2})?$", error="is not a locale such as en or de-AT"),
    )
    customer_id = _text(36, load_default="")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Contact:
        return Contact(**data)


class AddressSchema(_Strict):
    """A postal address."""

    name = _text(120, minimum=1, required=True)
    line1 = _text(120, minimum=1, required=True)
    line2 = _text(120, load_default="")
    postal_code = _text(16, load_default="")
    city = _text(80, minimum=1, required=True)
    region = _text(80, load_default="")
    country = fields.String(
        required=True,
        validate=_Pattern(r"^[A-Z]{2}$", error="is a two-letter country code in capitals"),
    )

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Address:
        return Address(**data)


class ShippingSchema(_Strict):
    """The chosen delivery."""

    code = _text(40, minimum=1, required=True)
    name = _text(80, minimum=1, required=True)
    price_minor = _amount(required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> ShippingChoice:
        return ShippingChoice(**data)


class TaxSchema(_Strict):
    """The tax rule that was quoted."""

    code = _text(40, minimum=1, required=True)
    rate_ppm = _whole(0, RATE_SCALE, required=True)
    is_inclusive = _Truth(required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> TaxRule:
        return TaxRule(**data)


class PaymentSchema(_Strict):
    """The authorisation behind the order."""

    provider = _text(20, minimum=1, required=True)
    reference = _text(80, minimum=1, required=True)
    amount_minor = _amount(required=True)

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> PaymentChoice:
        return PaymentChoice(**data)


class OrderRequestSchema(_Strict):
    """The body of POST /orders; lambdas/openapi.yaml says the same (a contract test compares them)."""

    schema_version = _whole(SCHEMA_VERSION, SCHEMA_VERSION, required=True)
    order_id = fields.String(
        required=True, validate=lambda value: is_order_id(value) or _refuse("is not a UUIDv7")
    )
    currency = fields.String(
        required=True, validate=_Pattern(r"^[A-Z]{3}$", error="is a currency code such as EUR")
    )
    lines = fields.List(
        fields.Nested(LineSchema), required=True, validate=validate.Length(min=1, max=MAX_LINES)
    )
    contact = fields.Nested(ContactSchema, required=True)
    shipping_address = fields.Nested(AddressSchema, required=True)
    billing_address = fields.Nested(AddressSchema, required=True)
    shipping = fields.Nested(ShippingSchema, required=True)
    tax = fields.Nested(TaxSchema, required=True)
    payment = fields.Nested(PaymentSchema, required=True)
    discount_minor = _amount(load_default=0)
    discount_code = _text(40, load_default="")
    total_minor = _amount(required=True)
    note = _text(500, load_default="")
    client = fields.Dict(
        keys=fields.String(validate=validate.Length(max=40)),
        values=_text(200),
        load_default=dict,
        validate=validate.Length(max=10),
    )

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> OrderRequest:
        data.pop("schema_version")
        return OrderRequest(**{**data, "order_id": OrderId(data["order_id"]), "lines": tuple(data["lines"])})


class CancellationSchema(_Strict):
    """The body of POST /orders/{order_id}/cancel."""

    schema_version = _whole(SCHEMA_VERSION, SCHEMA_VERSION, load_default=SCHEMA_VERSION)
    reason = _text(200, load_default="")
    customer_id = _text(36, load_default="")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> CancellationWish:
        data.pop("schema_version")
        return CancellationWish(**data)


@dataclass(frozen=True, slots=True)
class CancellationWish:
    """Why the shopper wants to cancel, and who it is; both may be empty."""

    reason: str
    customer_id: str


def _refuse(message: str) -> bool:
    raise ValidationError(message)


_ORDER_REQUEST = OrderRequestSchema()
_CANCELLATION = CancellationSchema()
_POINTER_ESCAPES = re.compile(r"[~/]")


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no white space: equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(request: OrderRequest) -> str:
    """The hash of a request's canonical form: what an idempotency key is bound to."""
    return hashlib.sha256(encode_order_request(request).encode()).hexdigest()


def encode_order_request(request: OrderRequest) -> str:
    """The canonical body of POST /orders."""
    return canonical_json({"schema_version": SCHEMA_VERSION, **asdict(request)})


def order_request_to_dict(request: OrderRequest) -> dict[str, Any]:
    """The request as plain JSON data, for embedding in an envelope."""
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(request),
        "lines": [asdict(line) for line in request.lines],
    }


def decode_order_request(body: str | bytes | Mapping[str, Any]) -> OrderRequest:
    """Parse and check a body of POST /orders. Raises InvalidRequest naming every problem."""
    request: OrderRequest = _load(_ORDER_REQUEST, body)
    return request


def decode_cancellation(body: str | bytes | Mapping[str, Any]) -> CancellationWish:
    """Parse and check a body of POST /orders/{order_id}/cancel. Raises InvalidRequest naming every problem."""
    wish: CancellationWish = _load(_CANCELLATION, body)
    return wish


def _load(schema: Schema, body: str | bytes | Mapping[str, Any]) -> Any:
    data = body if isinstance(body, Mapping) else parse_json(body)
    if not isinstance(data, Mapping):
        raise InvalidRequest([Problem("", "the body must be a JSON object")])
    try:
        return schema.load(data)
    except ValidationError as error:
        raise InvalidRequest(sorted(_problems(error.messages), key=lambda p: p.pointer)) from error


def parse_json(body: str | bytes) -> Any:
    """Parse JSON of at most MAX_BODY_BYTES. Raises InvalidRequest for anything else, NaN and duplicates included."""
    size = len(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
    if size > MAX_BODY_BYTES:
        raise InvalidRequest([Problem("", f"the body has {size} bytes; at most {MAX_BODY_BYTES} are taken")])
    try:
        value = json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
        # An escaped half of a surrogate pair is a text that no queue and no database can store.
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise InvalidRequest([Problem("", f"the body is not JSON: {error}")]) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a field is given twice")
    return result


def _problems(messages: Any, pointer: str = "") -> list[Problem]:
    """Marshmallow's nested messages as a flat list with JSON pointers (RFC 6901)."""
    if isinstance(messages, Mapping):
        found = []
        for key, value in messages.items():
            step = _POINTER_ESCAPES.sub(lambda m: "~0" if m[0] == "~" else "~1", str(key))
            found += _problems(value, pointer if key == "_schema" else f"{pointer}/{step}")
        return found
    if isinstance(messages, list):
        return [problem for message in messages for problem in _problems(message, pointer)]
    return [Problem(pointer, str(messages))]


# --- the queue envelope ------------------------------------------------------------------------------------------


def encode_job(message: JobMessage) -> str:
    """The body of a queue message."""
    enqueued_at = message.enqueued_at.astimezone(UTC).isoformat() if message.enqueued_at else None
    # Not asdict: it would copy the payload, an order, piece by piece.
    envelope = {spec.name: getattr(message, spec.name) for spec in dataclass_fields(message)}
    return canonical_json({**envelope, "enqueued_at": enqueued_at})


def decode_job(body: str) -> JobMessage:
    """Parse a queue message. Raises Poison for anything that is not an envelope of a known version."""
    try:
        data = json.loads(body)
        if data["schema_version"] != SCHEMA_VERSION:
            raise Poison(f"envelope version {data['schema_version']!r} is not known to this release")
        enqueued_at = datetime.fromisoformat(data["enqueued_at"]) if data.get("enqueued_at") else None
        return JobMessage(
            id=_nonempty(data, "id"),
            job=_nonempty(data, "job"),
            payload=dict(data["payload"]),
            order_id=str(data.get("order_id", "")),
            correlation_id=str(data.get("correlation_id", "")),
            traceparent=str(data.get("traceparent", "")),
            enqueued_at=enqueued_at,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Poison(f"not an envelope: {type(error).__name__}: {error}") from error


def _nonempty(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text")
    return value


# --- the event on the topic ----------------------------------------------------------------------------------------


def event_to_dict(event: OrderEvent, order: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of an event on the topic. `order` is the part of the order that subscribers and the notifier need."""
    return {
        "schema_version": SCHEMA_VERSION,
        "event": str(event.type),
        "order_id": str(event.order_id),
        "version": event.version,
        "at": event.at.astimezone(UTC).isoformat(),
        "reason": event.reason,
        "correlation_id": event.correlation_id,
        "data": dict(event.data),
        "order": dict(order),
    }


def encode_event(payload: Mapping[str, Any]) -> str:
    """The body of a message on the topic."""
    return canonical_json(payload)


def decode_event(body: str) -> dict[str, Any]:
    """Parse a message of the topic. Raises Poison for anything else."""
    try:
        data = json.loads(body)
        if data["schema_version"] != SCHEMA_VERSION:
            raise Poison(f"event version {data['schema_version']!r} is not known to this release")
        for key in ("event", "order_id", "at"):
            _nonempty(data, key)
        if not isinstance(data["order"], dict):
            raise ValueError("order must be an object")
    except (ValueError, KeyError, TypeError) as error:
        raise Poison(f"not an event: {type(error).__name__}: {error}") from error
    return dict(data)
