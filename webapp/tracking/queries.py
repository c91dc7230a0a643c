"""What the order page reads: the tracking view, the order book once the order is in it, the checkout before that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from orders.adapters.rds.fulfilment_models import ReturnLine, ReturnRow, ShipmentRow
from orders.adapters.rds.models import LedgerEntry, Order, OrderLine, TimelineEvent
from orders.domain.events import EventType
from orders.domain.ids import OrderId, order_number
from orders.domain.ledger import Account
from orders.domain.order import (
    INITIAL,
    FulfilmentStatus,
    OrderState,
    OrderStatus,
    PaymentStatus,
    stage_of,
)
from orders.messages import restore_order_request
from orders.ports import ReturnStatus, TrackingView
from orders.services.tracking_views import expected_at_of
from webapp.checkout import store
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.languages import N_, _

_RETURN_WORDS = {
    ReturnStatus.REQUESTED: N_("We look at your request, and write to you."),
    ReturnStatus.APPROVED: N_("Please send it back to the sender of your parcel."),
    ReturnStatus.REJECTED: N_("We could not accept it. Answer our e-mail if you think that we are wrong."),
    ReturnStatus.RECEIVED: N_("It has arrived here."),
}
_NOTHING_SENT = frozenset({FulfilmentStatus.UNFULFILLED, FulfilmentStatus.PICKING})


@dataclass(frozen=True, slots=True)
class Return:
    """One return, as its shopper sees it."""

    status: str
    words: str
    what: str
    """Pieces and names: "2 × Enamel mug"."""
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """What was ordered. `is_recorded` tells whether it stands in the order book already."""

    is_recorded: bool
    lines: Sequence[Any]
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    shipping_name: str
    tax_minor: int
    tax_is_inclusive: bool
    total_minor: int
    name: str
    email: str
    shipping_address: Mapping[str, str]
    placed_at: datetime
    taken_off_minor: int = 0
    notes: Sequence[Any] = ()
    """What the shop wrote for the shopper: text and at, oldest first."""
    parcels: Sequence[Any] = ()
    """What left the house: carrier, tracking_number, tracking_url, shipped_at and delivered_at, the first one first."""
    returns: Sequence[Return] = ()
    """What the shopper asked to send back, oldest first."""


def find_details(order_id: OrderId) -> tuple[Details | None, Order | Checkout | None]:
    """The order from the book, else from the checkout that placed it, with the row that it is told from; else None."""
    order = db.session.get(Order, UUID(order_id), populate_existing=True)
    if order is not None:
        return _recorded(order), order
    checkout = store.find(UUID(order_id))
    if checkout is None or checkout.status != CheckoutStatus.PLACED or checkout.request is None:
        return None, None
    return _not_yet_recorded(checkout, checkout.request), checkout


def _recorded(order: Order) -> Details:
    lines = db.session.execute(
        select(
            OrderLine.sku,
            OrderLine.name,
            OrderLine.variant,
            OrderLine.image,
            OrderLine.product_slug,
            OrderLine.quantity,
            OrderLine.unit_price_minor,
            OrderLine.cancelled,
        )
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.position)
    ).all()
    return Details(
        is_recorded=True,
        lines=lines,
        currency=order.currency,
        subtotal_minor=order.subtotal_minor,
        discount_minor=order.discount_minor,
        shipping_minor=order.shipping_minor,
        shipping_name=order.shipping_name,
        tax_minor=order.tax_minor,
        tax_is_inclusive=order.tax_is_inclusive,
        total_minor=order.total_minor,
        name=order.name,
        email=order.email,
        shipping_address=order.shipping_address,
        placed_at=order.placed_at,
        taken_off_minor=_taken_off(order),
        notes=_notes(order),
        parcels=_parcels(order),
        returns=_returns(order, {line.sku: line.name for line in lines}),
    )


def _parcels(order: Order) -> Sequence[Any]:
    """The parcels of an order that something has left the house of."""
    if order.fulfilment_status in _NOTHING_SENT:
        return ()
    return db.session.execute(
        select(
            ShipmentRow.carrier,
            ShipmentRow.tracking_number,
            ShipmentRow.tracking_url,
            ShipmentRow.shipped_at,
            ShipmentRow.delivered_at,
        )
        .where(ShipmentRow.order_id == order.id)
        .order_by(ShipmentRow.shipped_at, ShipmentRow.id)
    ).all()


def _returns(order: Order, names: Mapping[str, str]) -> Sequence[Return]:
    if order.fulfilment_status in _NOTHING_SENT:
        return ()
    found = db.session.execute(
        select(ReturnRow, ReturnLine.sku, ReturnLine.quantity)
        .join(ReturnLine, ReturnLine.return_id == ReturnRow.id)
        .where(ReturnRow.order_id == order.id)
        .order_by(ReturnRow.requested_at, ReturnRow.id, ReturnLine.sku)
    ).all()
    pieces: dict[ReturnRow, list[str]] = {}
    for row, sku, quantity in found:
        pieces.setdefault(row, []).append(f"{quantity} × {names.get(sku, sku)}")
    return [
        Return(row.status, _(_RETURN_WORDS[ReturnStatus(row.status)]), ", ".join(what), row.requested_at)
        for row, what in pieces.items()
    ]


def _notes(order: Order) -> Sequence[Any]:
    """The notes of staff that the shopper may read; the others never leave the console."""
    return db.session.execute(
        select(TimelineEvent.reason.label("text"), TimelineEvent.at)
        .where(
            TimelineEvent.order_id == order.id,
            TimelineEvent.type == str(EventType.NOTE_ADDED),
            TimelineEvent.data["is_public"].as_boolean(),
        )
        .order_by(TimelineEvent.version)
    ).all()


def _taken_off(order: Order) -> int:
    """What the shopper does not owe any more of the total: taken off, refunded or forgiven, as the ledger says."""
    kept = db.session.scalar(
        select(func.coalesce(-func.sum(LedgerEntry.amount_minor), 0)).where(
            LedgerEntry.order_id == order.id,
            LedgerEntry.account.in_([str(a) for a in (Account.SALES, Account.SHIPPING, Account.TAX)]),
        )
    )
    return order.total_minor - int(kept or 0)


def _not_yet_recorded(checkout: Checkout, kept: Mapping[str, Any]) -> Details:
    request = restore_order_request(kept)
    totals = request.price().totals
    return Details(
        is_recorded=False,
        lines=request.lines,
        currency=request.currency,
        subtotal_minor=totals.subtotal_minor,
        discount_minor=totals.discount_minor,
        shipping_minor=totals.shipping_minor,
        shipping_name=request.shipping.name,
        tax_minor=totals.tax_minor,
        tax_is_inclusive=request.tax.is_inclusive,
        total_minor=totals.total_minor,
        name=request.contact.name,
        email=request.contact.email,
        shipping_address=checkout.shipping_address,
        placed_at=checkout.updated_at,
    )


def view_from_book(order_id: OrderId) -> TrackingView | None:
    """The tracking view rebuilt from the order book, or from the placed checkout: for when the projection is away."""
    order = db.session.get(Order, UUID(order_id))
    if order is None:
        checkout = db.session.get(Checkout, UUID(order_id))
        if checkout is None or checkout.status != CheckoutStatus.PLACED:
            return None
        return _view(order_id, INITIAL, checkout.updated_at, (), (checkout.request or {}).get("client"))
    state = OrderState(
        OrderStatus(order.status),
        PaymentStatus(order.payment_status),
        FulfilmentStatus(order.fulfilment_status),
        order.is_held,
        order.version,
    )
    events = db.session.execute(
        select(TimelineEvent.type, TimelineEvent.at)
        .where(TimelineEvent.order_id == order.id)
        .order_by(TimelineEvent.id)
    ).all()
    return _view(order_id, state, order.updated_at, tuple((row.type, row.at) for row in events), order.client)


def _view(
    order_id: OrderId,
    state: OrderState,
    at: datetime,
    events: tuple[tuple[str, datetime], ...],
    client: Mapping[str, Any] | None = None,
) -> TrackingView:
    return TrackingView(
        order_id=order_id,
        number=order_number(order_id),
        version=state.version,
        stage=str(stage_of(state)),
        order_status=str(state.order),
        payment_status=str(state.payment),
        fulfilment_status=str(state.fulfilment),
        updated_at=at,
        events=events,
        expected_at=expected_at_of(client or {}),
    )
