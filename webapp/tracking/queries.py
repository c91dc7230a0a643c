"""What the order page reads: the tracking view, the order book once the order is in it, the checkout before that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from orders.adapters.rds.fulfilment_models import ReturnLine, ReturnRow, ShipmentRow
from orders.adapters.rds.models import Order
from orders.domain.ids import OrderId, order_number
from orders.domain.order import (
    INITIAL,
    FulfilmentStatus,
    OrderState,
    stage_of,
)
from orders.messages import restore_order_request
from orders.ports import ReturnStatus, TrackingView
from orders.services.tracking_views import SHOWN, expected_at_of
from webapp.account.order_access import state_of
from webapp.checkout import store
from webapp.checkout.models import Checkout, CheckoutStatus
from webapp.extensions import db
from webapp.languages import N_, _
from webapp.tracking.book import Note, Recorded, find_recorded

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
    notes: Sequence[Note] = ()
    """What the shop wrote for the shopper, oldest first."""
    parcels: Sequence[Any] = ()
    """What left the house: carrier, tracking_number, tracking_url, shipped_at and delivered_at, the first one first."""
    returns: Sequence[Return] = ()
    """What the shopper asked to send back, oldest first."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an order here. The view is the book's own once the order is in it; before that, the projection has it."""

    details: Details | None = None
    row: Order | Checkout | None = None
    """What it is told from."""
    view: TrackingView | None = None


def find_order(order_id: OrderId) -> Told:
    """The order from the book, else from the checkout that placed it, else nothing."""
    recorded = find_recorded(UUID(order_id))
    if recorded is not None:
        return Told(_recorded(recorded), recorded.order, _view_of(order_id, recorded))
    checkout = store.find(UUID(order_id))
    if checkout is None or checkout.status != CheckoutStatus.PLACED or checkout.request is None:
        return Told()
    return Told(_not_yet_recorded(checkout, checkout.request), checkout)


def _recorded(found: Recorded) -> Details:
    order = found.order
    return Details(
        is_recorded=True,
        lines=found.lines,
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
        taken_off_minor=order.total_minor - found.kept_minor,
        notes=found.notes,
        parcels=_parcels(order),
        returns=_returns(order, {line.sku: line.name for line in found.lines}),
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


def view_from_checkout(told: Told, order_id: OrderId) -> TrackingView | None:
    """The tracking view of an order that is not in the book yet, from its placed checkout: for when the projection is away."""
    checkout = told.row
    if not isinstance(checkout, Checkout):
        return None
    return _view(order_id, INITIAL, checkout.updated_at, (), (checkout.request or {}).get("client"))


def _view_of(order_id: OrderId, found: Recorded) -> TrackingView:
    """What the projection shows of the order, or will in a moment: the book is what it is made from."""
    order = found.order
    events = tuple((kind, at) for kind, at in found.events if kind in SHOWN)
    return _view(order_id, state_of(order), order.updated_at, events, order.client)


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
