"""The bodies of the order API, field by field: what is taken, and the sentence for what is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

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
from orders.messages.json_text import SCHEMA_VERSION


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
