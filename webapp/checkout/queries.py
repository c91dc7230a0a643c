"""Reading and changing checkouts while the shopper fills them in. What happens from "place" on is in placing.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from orders.domain.errors import VersionConflict
from orders.domain.ids import new_order_id
from webapp.cart.queries import CartView
from webapp.checkout import coupons, store
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.snapshot import differences, is_same_order, snapshot_of


def open_checkout(cart: CartView, customer_id: str, now: datetime) -> Checkout:
    """The cart's unfinished checkout, or a new one with the cart frozen in it. Two tabs get the same one. Commits."""
    row = {
        "id": UUID(new_order_id(now)),
        "cart_id": cart.id,
        "customer_id": customer_id,
        "status": CheckoutStatus.OPEN,
        "lines": snapshot_of(cart),
        "currency": cart.currency,
        "contact": {},
        "created_at": now,
        "updated_at": now,
    }
    opened = store.add(row) or store.find_unfinished(cart.id)
    if opened is None:
        raise VersionConflict("this cart was ordered in another window")
    return opened


def refresh_lines(checkout: Checkout, cart: CartView, now: datetime) -> list[str]:
    """Take the cart's present lines and coupon into an open checkout; returns what changed, in sentences.

    Commits on a change.
    """
    if checkout.status != CheckoutStatus.OPEN:
        return []
    after = snapshot_of(cart)
    has_other_lines = not is_same_order(checkout.lines, after)
    told = []
    if has_other_lines:
        told = differences(checkout.lines, after, checkout.currency)
        checkout.lines = after
    about_coupon = coupons.take_into(checkout, cart.coupon_code, now)
    if not has_other_lines and about_coupon is None:
        return []
    store.keep(checkout, now)
    return told + (about_coupon or [])


def save_fields(checkout: Checkout, now: datetime, **fields: Any) -> None:
    """Keep what was typed in one step. Raises VersionConflict once money is in flight. Commits."""
    if checkout.status in IN_FLIGHT:
        raise VersionConflict("this order is being placed")
    for name, value in fields.items():
        setattr(checkout, name, value)
    store.keep(checkout, now)
