"""Orders and cancellations on their way to the order API: written, and read with every problem named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from marshmallow import Schema, ValidationError

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.pricing import TaxRule
from orders.domain.request import (
    Address,
    Contact,
    LineRequest,
    OrderRequest,
    PaymentChoice,
    ShippingChoice,
)
from orders.messages.json_text import SCHEMA_VERSION, canonical_json, parse_json
from orders.messages.schemas import CancellationSchema, CancellationWish, OrderRequestSchema

_ORDER_REQUEST = OrderRequestSchema()
_CANCELLATION = CancellationSchema()
_POINTER_ESCAPES = re.compile(r"[~/]")


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


def restore_order_request(kept: Mapping[str, Any]) -> OrderRequest:
    """The request that `order_request_to_dict` wrote down, not checked again: for our own record of one that was."""
    return OrderRequest(
        **{
            **{name: kept[name] for name in _PLAIN},
            "lines": tuple(LineRequest(**line) for line in kept["lines"]),
            "contact": Contact(**kept["contact"]),
            "shipping_address": Address(**kept["shipping_address"]),
            "billing_address": Address(**kept["billing_address"]),
            "shipping": ShippingChoice(**kept["shipping"]),
            "tax": TaxRule(**kept["tax"]),
            "payment": PaymentChoice(**kept["payment"]),
        }
    )


_PLAIN = (
    "order_id",
    "currency",
    "discount_minor",
    "discount_code",
    "total_minor",
    "note",
    "client",
)


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
