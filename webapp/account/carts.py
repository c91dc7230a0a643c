"""The cart of a customer: one, the same on every device, and joined with what a browser held before signing in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Request
from sqlalchemy import delete, select, update
from werkzeug.wrappers import Response

from orders.domain.request import MAX_LINES
from webapp.cart.cookie import drop_cart_cookie, read_cookie, write_cart_id
from webapp.cart.models import Cart, CartLine
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.wiring import wiring


def take_along(customer_id: str, request: Request) -> UUID | None:
    """Join the browser's cart with the customer's; returns the one that there is now. The caller commits.

    Of each article the larger quantity counts, so that the same wish on two devices is not doubled. A cart that is
    being paid for is never emptied or deleted: if both are, they stay apart.
    """
    parts = wiring()
    oldest = parts.clock.now() - timedelta(days=parts.settings.cart_ttl_days)
    db.session.execute(delete(Cart).where(Cart.customer_id == customer_id, Cart.touched_at < oldest))
    mine = _locked(Cart.customer_id == customer_id)
    held_id = read_cookie(request)
    held = (
        _locked((Cart.id == held_id) & (Cart.customer_id == "") & (Cart.touched_at >= oldest))
        if held_id
        else None
    )
    if held is None:
        return mine.id if mine else None
    if mine is None:
        _belongs(held, customer_id)
        return held.id
    if _is_being_paid(mine):
        if _is_being_paid(held):
            return held.id
        return _join(into=mine, other=held)
    mine.customer_id = ""
    db.session.flush()  # The unique index allows a customer one cart at any moment.
    _belongs(held, customer_id)
    return _join(into=held, other=mine)


def write_cookie(response: Response, cart_id: UUID | None) -> None:
    """Name the cart to the browser, or make it forget another one's."""
    if cart_id is not None:
        write_cart_id(response, cart_id)  # type: ignore[arg-type]
    else:
        drop_cart_cookie(response)  # type: ignore[arg-type]


def _locked(condition: object) -> Cart | None:
    query = select(Cart).where(condition).with_for_update().execution_options(populate_existing=True)  # type: ignore[arg-type]
    return db.session.scalar(query)


def _belongs(cart: Cart, customer_id: str) -> None:
    cart.customer_id = customer_id
    db.session.execute(
        update(Checkout)
        .where(Checkout.cart_id == cart.id, Checkout.status == CheckoutStatus.OPEN)
        .values(customer_id=customer_id)
    )


def _is_being_paid(cart: Cart) -> bool:
    statement = select(Checkout.id).where(
        Checkout.cart_id == cart.id, Checkout.status.in_([str(status) for status in IN_FLIGHT])
    )
    return db.session.scalar(statement) is not None


def _join(*, into: Cart, other: Cart) -> UUID:
    now = wiring().clock.now()
    lines = {line.sku: line for line in into.lines}
    for line in other.lines if other.currency == into.currency else ():
        if line.sku in lines:
            lines[line.sku].quantity = max(lines[line.sku].quantity, line.quantity)
        elif len(into.lines) < MAX_LINES:
            into.lines.append(
                CartLine(
                    sku=line.sku,
                    quantity=line.quantity,
                    seen_price_minor=line.seen_price_minor,
                    added_at=line.added_at,
                )
            )
    into.coupon_code = into.coupon_code or other.coupon_code
    into.version += 1
    into.touched_at = now
    db.session.execute(
        update(Checkout)
        .where(Checkout.cart_id == other.id, Checkout.status == CheckoutStatus.OPEN)
        .values(status=CheckoutStatus.ABANDONED, version=Checkout.version + 1, updated_at=now)
    )
    db.session.delete(other)
    db.session.flush()
    return into.id
