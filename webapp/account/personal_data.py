"""A customer's data: handed out as a whole, and deleted; what the law makes a shop keep is kept without the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from orders.adapters.rds.coupon_models import CouponUse
from orders.adapters.rds.models import Order, OrderLine, TimelineEvent
from orders.domain.order import OrderStatus
from webapp.account import address_book, letters, preferences
from webapp.account.models import (
    Customer,
    CustomerErasure,
    CustomerSession,
    Letter,
    LetterKind,
    NotificationPreference,
)
from webapp.cart.models import Cart
from webapp.checkout.models import IN_FLIGHT, Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.wiring import wiring

ENDED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)
NOBODY = "Deleted account"
_ORDER_FACTS = (
    "number", "status", "payment_status", "fulfilment_status", "currency", "subtotal_minor", "discount_minor",
    "shipping_minor", "tax_minor", "total_minor", "shipping_name", "name", "email", "phone", "wants_sms",
    "shipping_address", "billing_address", "note",
)  # fmt: skip


def export(customer: Customer) -> dict[str, Any]:
    """Everything that the shop knows of a customer, as plain data (GDPR, articles 15 and 20)."""
    return {
        "made_at": wiring().clock.now().isoformat(),
        "account": {
            "email": customer.email,
            "name": customer.name,
            "phone": customer.phone,
            "since": customer.created_at.isoformat(),
            "password_changed_at": customer.password_changed_at.isoformat(),
        },
        "notifications": dict(preferences.wanted(customer.email)),
        "addresses": [
            {**saved.address, "is_offered_first": saved.is_default}
            for saved in address_book.all_of(customer.id)
        ],
        "sessions": [
            {
                "since": each.created_at.isoformat(),
                "last_seen_at": each.last_seen_at.isoformat(),
                "ip": each.ip,
                "browser": each.user_agent,
                "is_ended": each.revoked_at is not None,
            }
            for each in db.session.scalars(
                select(CustomerSession)
                .where(CustomerSession.customer_id == customer.id)
                .order_by(CustomerSession.id)
            )
        ],
        "letters": [
            {"kind": each.kind, "email": each.email, "at": each.created_at.isoformat()}
            for each in db.session.scalars(
                select(Letter).where(Letter.customer_id == customer.id).order_by(Letter.id)
            )
        ],
        "cart": _cart(customer.id),
        "orders": [_order(order) for order in _orders(customer.id)],
    }


def _orders(customer_id: str) -> Sequence[Order]:
    return db.session.scalars(
        select(Order).where(Order.customer_id == customer_id).order_by(Order.placed_at)
    ).all()


def _order(order: Order) -> Mapping[str, Any]:
    lines = db.session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    )
    events = db.session.execute(
        select(TimelineEvent.type, TimelineEvent.at)
        .where(TimelineEvent.order_id == order.id)
        .order_by(TimelineEvent.id)
    )
    return {
        **{name: getattr(order, name) for name in _ORDER_FACTS},
        "placed_at": order.placed_at.isoformat(),
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "variant": line.variant,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
            }
            for line in lines
        ],
        "events": [{"event": row.type, "at": row.at.isoformat()} for row in events],
    }


def _cart(customer_id: str) -> list[dict[str, Any]]:
    cart = db.session.scalar(select(Cart).where(Cart.customer_id == customer_id))
    return [{"sku": line.sku, "quantity": line.quantity} for line in cart.lines] if cart else []


def delete_customer(customer: Customer) -> None:
    """Delete an account and all that is about the person; orders that ended lose their person at once. The caller commits.

    An order that is still under way keeps what it needs to arrive; `finish_erasures` takes it off when it has ended.
    Amounts, articles, the ledger and the country of delivery stay: tax law asks for them.
    """
    now, customer_id, email, name = wiring().clock.now(), customer.id, customer.email, customer.name
    db.session.execute(
        insert(CustomerErasure).values(customer_id=customer_id, asked_at=now).on_conflict_do_nothing()
    )
    db.session.execute(delete(Cart).where(Cart.customer_id == customer_id))
    db.session.execute(delete(NotificationPreference).where(NotificationPreference.email == email))
    db.session.execute(delete(Letter).where(Letter.email == email))
    db.session.execute(
        delete(Customer).where(Customer.id == customer_id)
    )  # Sessions, addresses and letters go along.
    anonymise(customer_id)
    letters.post(LetterKind.DELETED, email, name=name)


def anonymise(customer_id: str) -> bool:
    """Take the person off the ended orders of a deleted account; True when none is left. The caller commits."""
    ended = db.session.scalars(
        select(Order)
        .where(Order.customer_id == customer_id, Order.status.in_([str(status) for status in ENDED]))
        .with_for_update()
    ).all()
    for order in ended:
        order.customer_id, order.name, order.email, order.phone = "", NOBODY, "", ""
        order.wants_sms, order.note, order.client = False, "", {}
        order.shipping_address = _nowhere(order.shipping_address)
        order.billing_address = _nowhere(order.billing_address)
    # The use still counts towards the coupon's limit; whose it was is forgotten.
    db.session.execute(
        update(CouponUse).where(CouponUse.order_id.in_([o.id for o in ended])).values(customer_key="")
    )
    db.session.flush()
    under_way = set(db.session.scalars(select(Order.id).where(Order.customer_id == customer_id)))
    _forget_checkouts(customer_id, under_way)
    left = db.session.scalar(select(Checkout.id).where(Checkout.customer_id == customer_id).limit(1))
    return not under_way and left is None


def finish_erasures(limit: int = 200) -> int:
    """Go through deleted accounts with orders that were under way; returns how many are done now. Commits each."""
    waiting = db.session.scalars(
        select(CustomerErasure.customer_id).order_by(CustomerErasure.asked_at).limit(limit)
    ).all()
    done = 0
    for customer_id in waiting:
        if anonymise(customer_id):
            db.session.execute(delete(CustomerErasure).where(CustomerErasure.customer_id == customer_id))
            done += 1
        db.session.commit()
    return done


def _forget_checkouts(customer_id: str, under_way: set[UUID]) -> None:
    """A placed checkout whose order is in the book, and one that was never placed, need no person any more."""
    recorded = select(Order.id)
    db.session.execute(
        update(Checkout)
        .where(
            Checkout.customer_id == customer_id,
            Checkout.id.not_in(under_way),
            Checkout.status.not_in([str(status) for status in IN_FLIGHT]),
            (Checkout.status != CheckoutStatus.PLACED) | Checkout.id.in_(recorded),
        )
        .values(
            customer_id="",
            contact={},
            shipping_address={},
            billing_address={},
            note="",
            payment_token="",
            payment_label="",
            request=None,
        )
        .execution_options(synchronize_session=False)
    )


def _nowhere(address: Mapping[str, Any]) -> dict[str, Any]:
    empty = dict.fromkeys(("name", "line1", "line2", "postal_code", "city", "region"), "")
    return {**empty, "name": NOBODY, "country": address.get("country", "")}
