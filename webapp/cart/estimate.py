"""What the delivery of a cart would cost and when it would arrive, before anybody has typed an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webapp.account import address_book
from webapp.account.sessions import current_customer_id
from webapp.cart.queries import CartView
from webapp.checkout import coupons
from webapp.checkout.quote import default_country
from webapp.checkout.tariffs import ShippingOffer, tariffs
from webapp.wiring import wiring


@dataclass(frozen=True, slots=True)
class Estimate:
    """The deliveries to one country, cheapest first. `free_from_minor` is from which value of goods the standard one is free."""

    country: str
    offers: Sequence[ShippingOffer]
    discount_minor: int
    free_from_minor: int | None
    goods_minor: int

    @property
    def missing_minor(self) -> int:
        """How much more makes the standard delivery free; 0 when it is, or when nothing does."""
        return max(0, self.free_from_minor - self.goods_minor) if self.free_from_minor is not None else 0

    @property
    def total_minor(self) -> int | None:
        """Goods with the cheapest delivery; None where nothing is sent."""
        return self.goods_minor + self.offers[0].price_minor if self.offers else None


def estimate(view: CartView, country: str) -> Estimate:
    """The estimate for a country that we serve: the asked one, else the customer's own, else the shop's."""
    parts = wiring()
    now = parts.clock.now()
    served = tariffs().countries
    chosen = country if country in served else _home()
    weighed = coupons.weigh(view.coupon_code, view.subtotal_minor, view.currency, now)
    discount_minor = weighed.discount_minor if weighed else 0
    goods_minor = view.subtotal_minor - discount_minor
    offers = tariffs().shipping_offers(chosen, view.weight_grams, goods_minor, now)
    if weighed is not None and weighed.has_free_shipping and offers:
        offers = [replace(offers[0], price_minor=0), *offers[1:]]
    free_from_minor = tariffs().free_shipping_from(chosen, view.weight_grams)
    return Estimate(chosen, offers, discount_minor, free_from_minor, goods_minor)


def _home() -> str:
    customer_id = current_customer_id()
    saved = address_book.offered(customer_id) if customer_id else None
    country = saved.address.get("country", "") if saved else ""
    return country if country in tariffs().countries else default_country(wiring().settings)
