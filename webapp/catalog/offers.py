"""What a SKU is and costs at this moment: the catalogue's words joined with the price and stock that orders are held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from orders.domain.inventory import StockLevel
from webapp import statements
from webapp.catalog.availability import FEW_LEFT, Availability
from webapp.formats import options_label
from webapp.languages import _, ngettext


@dataclass(frozen=True, slots=True)
class Offer:
    """One SKU as the shop offers it now. `available` is None while the stock is not known."""

    sku: str
    name: str
    variant: str
    product_slug: str
    image: str
    price_minor: int
    currency: str
    weight_grams: int
    is_for_sale: bool
    available: int | None
    back_on: date | None = None

    @property
    def is_sold_out(self) -> bool:
        """Whether it is certain that none is left."""
        return self.available == 0

    @property
    def stock_note(self) -> str:
        """The honest word about stock, or nothing when there is plenty."""
        return stock_note(self.available)


def stock_note(available: int | None) -> str:
    """`Sold out`, `3 left`, or empty for plenty and for unknown."""
    if available is None or available > FEW_LEFT:
        return ""
    return ngettext("%(num)s left", "%(num)s left", available) if available else _("Sold out")


def coming_back(back_on: date | str | None, today: date) -> date | None:
    """The day on which a sold-out piece is expected, unless that day has passed: a broken promise is not repeated."""
    when = date.fromisoformat(back_on) if isinstance(back_on, str) else back_on
    return when if when is not None and when >= today else None


def find_offers(
    skus: Iterable[str], availability: Availability, *, fresh: bool = False
) -> Mapping[str, Offer]:
    """The offers of the known SKUs among these. A SKU that is not in the catalogue is absent.

    The price is the one that orders must name (the inventory's), and the catalogue's while that is not known.
    """
    wanted = list(dict.fromkeys(skus))
    if not wanted:
        return {}
    # The stock first: no connection to the database is held while another machine is asked.
    levels = availability.levels(wanted, fresh=fresh)
    rows = statements.rows(_OFFERS, {"skus": wanted})
    return {row.sku: offer_of(row, levels) for row in rows}


_OFFERS = """
SELECT piece.sku, piece.options, piece.price_minor, piece.currency, piece.weight_grams, piece.image, piece.is_active,
       piece.back_on, product.name, product.slug, product.image AS product_image, product.is_active AS product_is_active
FROM variants piece JOIN products product ON product.id = piece.product_id
WHERE piece.sku = ANY(%(skus)s)
"""


def offer_of(row: Any, levels: Mapping[str, StockLevel] | None) -> Offer:
    """A variant's row with its product's, joined with what is known of its stock: None when nothing is."""
    level = levels.get(row.sku) if levels is not None else None
    return Offer(
        sku=row.sku,
        name=row.name,
        variant=options_label(row.options),
        product_slug=row.slug,
        image=row.image or row.product_image,
        price_minor=level.price_minor if level else row.price_minor,
        currency=row.currency,
        weight_grams=row.weight_grams,
        is_for_sale=row.is_active and row.product_is_active,
        # A SKU that the inventory does not know cannot be reserved: none are available.
        available=level.available if level else (None if levels is None else 0),
        back_on=row.back_on,
    )
