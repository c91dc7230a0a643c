"""Reading and changing checkouts while the shopper fills them in. What happens from "place" on is in placing.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.exc import StaleDataError

from orders.domain.errors import VersionConflict
from orders.domain.ids import new_order_id
from webapp.cart.queries import CartView
from webapp.checkout import coupons
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.checkout.snapshot import differences, is_same_order, snapshot_of
from webapp.extensions import db
from webapp.reads import statement_by_statement

_FINISHED = (CheckoutStatus.PLACED, CheckoutStatus.ABANDONED)


def find_unfinished(cart_id: UUID) -> Checkout | None:
    """The one checkout of this cart that is neither placed nor abandoned."""
    return db.session.scalar(
        select(Checkout).where(Checkout.cart_id == cart_id, Checkout.status.not_in(_FINISHED))
    )


def find_latest(cart_id: UUID) -> Checkout | None:
    """The newest checkout of this cart, whatever became of it."""
    return db.session.scalar(
        select(Checkout).where(Checkout.cart_id == cart_id).order_by(Checkout.id.desc()).limit(1)
    )


def find_of_cart(checkout_id: UUID, cart_id: UUID, *, lock: bool = False) -> Checkout | None:
    """A checkout by its id, only for the cart that it belongs to."""
    query = select(Checkout).where(Checkout.id == checkout_id, Checkout.cart_id == cart_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(query)


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
    # The partial unique index decides between two tabs that open one at the same moment.
    statement_by_statement()
    made = insert(Checkout).values(row).on_conflict_do_nothing().returning(Checkout)
    opened = db.session.scalar(made) or find_unfinished(cart.id)
    db.session.commit()
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
    move_on(checkout, now)
    commit()
    return told + (about_coupon or [])


def save_fields(checkout: Checkout, now: datetime, **fields: Any) -> None:
    """Keep what was typed in one step. Raises VersionConflict once money is in flight. Commits."""
    if checkout.status in IN_FLIGHT:
        raise VersionConflict("this order is being placed")
    statement_by_statement()  # It is one UPDATE, and it compares versions. Before the first change, which begins a transaction.
    for name, value in fields.items():
        setattr(checkout, name, value)
    move_on(checkout, now)
    commit()


def commit() -> None:
    """Commit. Raises VersionConflict when another window or process changed the checkout since it was read."""
    try:
        db.session.commit()
    except StaleDataError as error:
        db.session.rollback()
        raise VersionConflict("this order was changed in another window") from error


def move_on(checkout: Checkout, now: datetime) -> None:
    """Count a change: a page drawn before it is out of date. The caller commits."""
    checkout.version += 1
    checkout.updated_at = now
