"""Putting pieces into a cart, which begins with its first ones."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.request import MAX_LINES
from webapp import statements
from webapp.account.sessions import current_customer_id
from webapp.cart.models import Cart, CartLine
from webapp.cart.queries import check_quantity, find_cart, touch
from webapp.catalog.offers import Offer
from webapp.extensions import db
from webapp.languages import _

DOUBLE_CLICK_SECONDS = 1.0
"""Two adds of the same piece within this time are one click that arrived twice: a page cannot be redrawn faster."""


@dataclass(frozen=True, slots=True)
class Added:
    """What came of it: the cart, how many of the SKU it holds now, and how many pieces in all."""

    cart_id: UUID
    in_cart: int
    count: int


def add(
    cart_id: UUID | None, offer: Offer, quantity: int, currency: str, now: datetime, oldest: datetime
) -> Added:
    """Add pieces of an offer to this cart, or to a new one in this currency. Commits.

    The same click twice adds once. Raises InvalidRequest beyond the limits of an order, and for another currency.
    """
    cart = find_cart(cart_id, oldest, lock=True)
    if cart is None and current_customer_id():
        cart = _new_cart(currency, now, oldest)
    held_in = cart.currency if cart else currency
    if held_in != offer.currency:
        raise InvalidRequest(
            [Problem("/sku", _("This cart is in %(currency)s; finish it first.", currency=held_in))]
        )
    if cart is None:
        added = Added(_start(offer, quantity, now), quantity, quantity)
    else:
        in_cart = _add(cart, offer, quantity, now)
        added = Added(cart.id, in_cart, sum(line.quantity for line in cart.lines))
    if statements.is_in_transaction():
        db.session.commit()
    return added


def _start(offer: Offer, quantity: int, now: datetime) -> UUID:
    """A guest's new cart with its first line, in one statement; returns its unguessable id. Commits.

    Nobody else can know its name yet, so there is nobody to take turns with. Raises InvalidRequest as `add`.
    """
    check_quantity(quantity)
    cart_id = uuid.uuid4()
    values = {
        "id": cart_id,
        "sku": offer.sku,
        "quantity": quantity,
        "price": offer.price_minor,
        "currency": offer.currency,
        "now": now,
    }
    statements.rows(_START, values)
    return cart_id


_START = """
WITH cart AS (
    INSERT INTO carts (id, currency, version, created_at, touched_at)
    VALUES (%(id)s, %(currency)s, 2, %(now)s, %(now)s) RETURNING id)
INSERT INTO cart_lines (cart_id, sku, quantity, seen_price_minor, added_at)
SELECT id, %(sku)s, %(quantity)s, %(price)s, %(now)s FROM cart
"""


def _new_cart(currency: str, now: datetime, oldest: datetime) -> Cart:
    """A customer's own fresh, empty cart with an unguessable id; the caller commits."""
    # A customer has one cart: the expired one goes first, and two tabs at once get the same new one.
    customer_id = current_customer_id()
    db.session.execute(delete(Cart).where(Cart.customer_id == customer_id, Cart.touched_at < oldest))
    row = {
        "id": uuid.uuid4(),
        "customer_id": customer_id,
        "currency": currency,
        "version": 1,
        "created_at": now,
        "touched_at": now,
    }
    made = db.session.scalar(insert(Cart).values(row).on_conflict_do_nothing().returning(Cart.id))
    is_mine = Cart.id == made if made is not None else Cart.customer_id == customer_id
    return db.session.scalars(select(Cart).where(is_mine).with_for_update()).one()


def _add(cart: Cart, offer: Offer, quantity: int, now: datetime) -> int:
    """Add pieces of an offer to a locked cart; returns how many of it the cart holds now.

    The same click twice adds once. Raises InvalidRequest beyond the limits of an order.
    """
    line = next((line for line in cart.lines if line.sku == offer.sku), None)
    if line is not None and now - line.added_at < timedelta(seconds=DOUBLE_CLICK_SECONDS):
        return line.quantity
    check_quantity((line.quantity if line else 0) + quantity)
    if line is None:
        if len(cart.lines) >= MAX_LINES:
            raise InvalidRequest(
                [
                    Problem(
                        "/sku",
                        _(
                            "An order takes at most %(most)s different items; order in two parts.",
                            most=MAX_LINES,
                        ),
                    )
                ]
            )
        line = CartLine(sku=offer.sku, quantity=0, seen_price_minor=offer.price_minor, added_at=now)
        cart.lines.append(line)
    line.quantity += quantity
    line.seen_price_minor = offer.price_minor
    line.added_at = now
    touch(cart, now)
    return line.quantity
