"""What a checkout costs: the domain's one pricing function over the frozen lines, the chosen delivery and the tax of the destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orders.domain.ids import OrderId, Sku
from orders.domain.pricing import PricedOrder, TaxRule, price_order
from orders.domain.request import (
    Address,
    Contact,
    LineRequest,
    OrderRequest,
    PaymentChoice,
    ShippingChoice,
)
from orders.settings import Settings
from webapp.checkout.models import Checkout
from webapp.checkout.tariffs import ShippingOffer, tariffs


@dataclass(frozen=True, slots=True)
class Quote:
    """The prices of a checkout at one moment. `shipping` is None until a delivery is chosen that is still offered."""

    priced: PricedOrder
    tax: TaxRule
    offers: Sequence[ShippingOffer]
    shipping: ShippingOffer | None
    currency: str
    shipping_saved_minor: int = 0
    """What the coupon takes off the chosen delivery."""

    @property
    def coupon_saves_minor(self) -> int:
        """What the coupon is worth to this order: one that saves nothing is not used up."""
        return self.priced.totals.discount_minor + self.shipping_saved_minor

    @property
    def total_minor(self) -> int:
        """What will be charged."""
        return self.priced.totals.total_minor


def quote(checkout: Checkout, settings: Settings, now: datetime) -> Quote:
    """Price a checkout. Before an address is known the shop's first country stands in for it."""
    country = checkout.shipping_address.get("country") or default_country(settings)
    lines = [(line["quantity"], line["unit_price_minor"]) for line in checkout.lines]
    goods_minor = sum(quantity * price for quantity, price in lines) - checkout.discount_minor
    weight_grams = sum(line["quantity"] * line["weight_grams"] for line in checkout.lines)
    offers = tariffs().shipping_offers(country, weight_grams, goods_minor, now)
    regular = next((offer.price_minor for offer in offers if offer.code == checkout.shipping_code), 0)
    if checkout.has_free_shipping and offers:
        # The offers are sorted by price: a coupon pays for the cheapest one, never for the express.
        offers = [replace(offers[0], price_minor=0), *offers[1:]]
    shipping = next((offer for offer in offers if offer.code == checkout.shipping_code), None)
    tax = tariffs().tax_rule(country, now.date())
    priced = price_order(
        lines,
        shipping_minor=shipping.price_minor if shipping else 0,
        discount_minor=checkout.discount_minor,
        tax=tax,
    )
    saved = regular - shipping.price_minor if shipping else 0
    return Quote(priced, tax, offers, shipping, checkout.currency, saved)


def default_country(settings: Settings) -> str:
    """The country that forms offer first."""
    return "DE"


def order_request(checkout: Checkout, quoted: Quote, settings: Settings) -> OrderRequest:
    """The request that a checkout would place. The payment's reference is filled in when it is known."""
    if quoted.shipping is None:
        raise ValueError("a delivery must be chosen first")
    return OrderRequest(
        order_id=OrderId(str(checkout.id)),
        currency=checkout.currency,
        lines=tuple(
            LineRequest(
                Sku(line["sku"]),
                line["quantity"],
                line["unit_price_minor"],
                line["name"],
                line["variant"],
                line["product_slug"],
                line["image"],
            )
            for line in checkout.lines
        ),
        contact=Contact(**{**checkout.contact, "customer_id": checkout.customer_id}),
        shipping_address=Address(**checkout.shipping_address),
        billing_address=Address(**(checkout.billing_address or checkout.shipping_address)),
        shipping=ShippingChoice(quoted.shipping.code, quoted.shipping.name, quoted.shipping.price_minor),
        tax=quoted.tax,
        payment=PaymentChoice(settings.payment_provider, "", quoted.total_minor),
        discount_minor=checkout.discount_minor,
        discount_code=checkout.discount_code if quoted.coupon_saves_minor else "",
        total_minor=quoted.total_minor,
        note=checkout.note,
        client={"channel": "web", "release": settings.release},
    )
