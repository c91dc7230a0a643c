"""What every page shares: the shop's name, the shelves in the header and the number beside the cart."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from webapp.account.sessions import current_customer
from webapp.cart.cookie import read_cart_id
from webapp.cart.queries import count_pieces
from webapp.catalog.memory import Memory
from webapp.catalog.spelling import Vocabulary
from webapp.catalog.tree import FACETS_FRESH_FOR_SECONDS, TreeMemory
from webapp.checkout.quote import default_country
from webapp.checkout.tariffs import tariffs
from webapp.extensions import db
from webapp.wiring import wiring

log = logging.getLogger(__name__)
_NO_CENTS = re.compile(r"[.,]00(?!\d)")


def cart_count() -> int | None:
    """Pieces in this visitor's cart; None when that cannot be told, so that no wrong number is shown."""
    if "cart_count" not in g:
        g.cart_count = _count()
    count: int | None = g.cart_count
    return count


def _count() -> int | None:
    parts = wiring()
    try:
        cart_id = read_cart_id(request)
        if cart_id is None:
            return 0
        return count_pieces(cart_id, parts.clock.now() - timedelta(days=parts.settings.cart_ttl_days))
    except SQLAlchemyError:
        db.session.rollback()
        return None


def is_signed_in() -> bool:
    """Whether the header says "Account"; a guest while that cannot be told."""
    try:
        return current_customer() is not None
    except SQLAlchemyError:
        db.session.rollback()
        return False


@dataclass(frozen=True, slots=True)
class DeliveryPromise:
    """What every page says of the delivery. `free_from_minor` is None where no value of goods makes it free."""

    country: str
    country_count: int
    free_from_minor: int | None
    currency: str


def delivery_promise() -> DeliveryPromise:
    """The promise for the shop's own country, from the tariffs. It holds for a parcel of any weight, or is not made."""
    settings, known = wiring().settings, tariffs()
    country = default_country(settings)
    zone = known.countries[country].zone
    limits = [rate.free_from_minor for rate in known.rates if (rate.method, rate.zone) == ("standard", zone)]
    is_made = bool(limits) and None not in limits
    free_from = max(limit for limit in limits if limit is not None) if is_made else None
    return DeliveryPromise(country, len(known.countries), free_from, settings.currency)


def without_cents(amount: str) -> str:
    """A written amount that is whole, without its zeros: `€60` for `€60.00`, `60 €` for `60,00 €`."""
    return _NO_CENTS.sub("", amount)


def register_layout(app: Flask) -> None:
    """Give every template the parts of the layout."""
    app.extensions["cartwright-shelves"] = TreeMemory()
    app.extensions["cartwright-vocabulary"] = Vocabulary()
    app.extensions["cartwright-fields"] = Memory(FACETS_FRESH_FOR_SECONDS / 2, most=1_000)

    app.jinja_env.filters["without_cents"] = without_cents

    @app.context_processor
    def _parts() -> dict[str, Any]:
        settings = wiring().settings
        return {
            "shop_name": settings.shop_name,
            "public_url": settings.public_url,
            "is_local": settings.is_local,
            "has_inbox": settings.is_local and bool(settings.inbox_url),
            "shelves": current_app.extensions["cartwright-shelves"].top,
            "cart_count": cart_count,
            "is_signed_in": is_signed_in,
            "delivery_promise": delivery_promise,
            "cart_ttl_days": settings.cart_ttl_days,
        }
