"""Whose order it is: by account or by signed link, and how a guest's order joins an account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, abort
from sqlalchemy import select, update

from orders import links
from orders.adapters.rds.models import Order
from orders.domain.errors import NotFound
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, is_order_id, order_number
from orders.domain.order import (
    SHOPPER_MAY_CANCEL_IN,
    FulfilmentStatus,
    OrderState,
    OrderStatus,
    PaymentStatus,
    allowed_events,
)
from webapp.account.models import Customer
from webapp.account.sessions import current_customer, current_customer_id
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.languages import _
from webapp.wiring import wiring


def owner_of(order_id: OrderId) -> str | None:
    """The customer id of an order: empty for a guest's, None when there is no such order."""
    found = db.session.scalar(select(Order.customer_id).where(Order.id == UUID(order_id)))
    if found is not None:
        return found
    # Accepted a moment ago and not in the book yet: the checkout that placed it knows.
    return db.session.scalar(
        select(Checkout.customer_id).where(
            Checkout.id == UUID(order_id), Checkout.status == CheckoutStatus.PLACED
        )
    )


def is_owner(order_id: OrderId, customer_id: str) -> bool:
    """Whether an order was placed or claimed by this customer. A guest owns none."""
    return bool(customer_id) and owner_of(order_id) == customer_id


def may_change(order_id: OrderId, customer_id: str) -> bool:
    """Whether who holds an order's link may change it: a guest's order is its link's, a customer's is theirs alone."""
    owner = owner_of(order_id)
    return owner is not None and owner in {"", customer_id}


def opened(token: str) -> OrderId:
    """The order that a signed link opens; ends the request with 404 when it opens none."""
    order_id = links.read(token, links.keys_of(wiring().settings)) if len(token) <= 64 else None
    if order_id is None:
        abort(404, _("This link does not open an order."))
    return order_id


def changeable(token: str) -> Order:
    """The order of a link, when this visitor may change it. A customer's order asks for its owner: else 403."""
    order_id = opened(token)
    order = db.session.get(Order, UUID(order_id), populate_existing=True)
    if order is None:
        raise NotFound(f"order {order_number(order_id)} is not in the book yet")
    if not may_change(order_id, current_customer_id()):
        abort(403, _("This order belongs to an account. Sign in to it to change the order."))
    return order


def shopper() -> Actor:
    """Who changes an order here, for its timeline."""
    return Actor("shopper", current_customer_id() or "guest")


def keep_private(response: Response) -> Response:
    """The pages of an order hold an address, and their own address opens an order."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@dataclass(frozen=True, slots=True)
class OrderActions:
    """What the visitor of an order's page may do with it."""

    can_cancel: bool = False
    can_change_address: bool = False
    can_change_quantity: bool = False
    can_return: bool = False
    """Something has left the house."""
    can_claim: bool = False
    """It is a guest's, and was placed with the visitor's own proven address."""
    can_register: bool = False
    """It is a guest's, and nobody is signed in."""
    must_sign_in: bool = False
    """It belongs to an account: whoever has its link may look at it, and no more."""


def actions_for(order: Order | Checkout | None) -> OrderActions:
    """What this visitor, who has the order's link or owns it, may do with it now. Before it is in the book, it is the
    checkout that placed it."""
    customer = current_customer()
    if not isinstance(order, Order):
        return OrderActions(can_register=order is not None and order.customer_id == "" and customer is None)
    if order.customer_id not in {"", customer.id if customer else ""}:
        return OrderActions(must_sign_in=customer is None)
    state = state_of(order)
    possible = allowed_events(state)
    events = possible if state.fulfilment in SHOPPER_MAY_CANCEL_IN else frozenset()
    is_guests = order.customer_id == ""
    return OrderActions(
        can_cancel=EventType.ORDER_CANCELLED in events,
        can_change_address=EventType.ADDRESS_CHANGED in events,
        can_change_quantity=EventType.ORDER_EDITED in events,
        can_return=EventType.RETURN_REQUESTED in possible,
        can_claim=is_guests and customer is not None and customer.email == order.email.lower(),
        can_register=is_guests and customer is None,
    )


def state_of(order: Order) -> OrderState:
    """The state of an order as the state machine knows it."""
    return OrderState(
        OrderStatus(order.status),
        PaymentStatus(order.payment_status),
        FulfilmentStatus(order.fulfilment_status),
        order.is_held,
        order.version,
    )


def email_of(order_id: OrderId) -> str:
    """The address that an order was placed with, for whoever holds its link; empty when there is no such order."""
    found = db.session.scalar(select(Order.email).where(Order.id == UUID(order_id)))
    if found is None:
        contact = db.session.scalar(select(Checkout.contact).where(Checkout.id == UUID(order_id))) or {}
        found = str(contact.get("email", ""))
    return found


def claim(customer: Customer, order_id: str) -> bool:
    """Take a guest's order into the account when it was placed with the account's proven address. The caller commits.

    Repeating it changes nothing. The caller has checked the order's signed link.
    """
    if not is_order_id(order_id) or email_of(OrderId(order_id)).lower() != customer.email:
        return False
    for table in (Order, Checkout):
        db.session.execute(
            update(table)
            .where(table.id == UUID(order_id), table.customer_id == "")
            .values(customer_id=customer.id)
        )
    return is_owner(OrderId(order_id), customer.id)
