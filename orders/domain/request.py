"""What a shopper asks for: the validated order request, the same in the API body, the queue message and the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.ids import OrderId, Sku
from orders.domain.pricing import PricedOrder, TaxRule, price_order

MAX_LINES = 98
"""DynamoDB takes 100 items in a transaction; the reservation and the tracking item are the other two."""
MAX_QUANTITY = 999
"""Pieces of one SKU in one order."""


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One line: pieces of a SKU at the unit price that the shopper was shown. Names are for people to read."""

    sku: Sku
    quantity: int
    unit_price_minor: int
    name: str
    variant: str = ""
    product_slug: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the shopper. `phone` is E.164 or empty; `wants_sms` is the opt-in for text messages."""

    name: str
    email: str
    phone: str = ""
    wants_sms: bool = False
    locale: str = "en"
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country` is an ISO 3166-1 alpha-2 code in upper case."""

    name: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str


@dataclass(frozen=True, slots=True)
class ShippingChoice:
    """The delivery that the shopper chose, with the price that was shown."""

    code: str
    name: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class PaymentChoice:
    """The authorisation that backs the order: the provider's name and its reference, and how much it covers."""

    provider: str
    reference: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """Everything that makes an order. `order_id` is also the idempotency key."""

    order_id: OrderId
    currency: str
    lines: tuple[LineRequest, ...]
    contact: Contact
    shipping_address: Address
    billing_address: Address
    shipping: ShippingChoice
    tax: TaxRule
    payment: PaymentChoice
    discount_minor: int = 0
    discount_code: str = ""
    total_minor: int = 0
    note: str = ""
    client: Mapping[str, Any] = field(default_factory=dict)

    def price(self) -> PricedOrder:
        """Price the request by the one rule (see pricing.price_order)."""
        return price_order(
            [(line.quantity, line.unit_price_minor) for line in self.lines],
            shipping_minor=self.shipping.price_minor,
            discount_minor=self.discount_minor,
            tax=self.tax,
        )


def check(request: OrderRequest) -> PricedOrder:
    """Check what no single field can tell: totals, payment cover and duplicate SKUs. Returns the prices.

    Raises InvalidRequest with every problem at once.
    """
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, line in enumerate(request.lines):
        if line.sku in seen:
            problems.append(
                Problem(f"/lines/{index}/sku", "this SKU is already on another line; add the quantities")
            )
        seen.add(line.sku)
    if request.discount_minor > sum(line.quantity * line.unit_price_minor for line in request.lines):
        problems.append(Problem("/discount_minor", "a discount cannot exceed the value of the goods"))
        raise InvalidRequest(problems)
    priced = request.price()
    if request.total_minor != priced.totals.total_minor:
        problems.append(
            Problem("/total_minor", f"the lines, shipping and tax add up to {priced.totals.total_minor}")
        )
    if request.payment.amount_minor != priced.totals.total_minor:
        problems.append(
            Problem("/payment/amount_minor", f"the authorisation must cover {priced.totals.total_minor}")
        )
    if problems:
        raise InvalidRequest(problems)
    return priced
