"""Picking, shipping in one or several parcels, and delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orders.domain.errors import InvalidRequest, Problem, Unavailable
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import FulfilmentStatus, PaymentStatus
from orders.ports import Effect, OrderRecord, OrderTransaction, Shipment
from orders.services.changes import OrderChange, confirmation_key, open_order, write
from orders.services.desk import OrderDesk


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be shipped: pieces by SKU (all that is left when empty) and how it travels."""

    lines: Mapping[Sku, int]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


def start_picking(
    desk: OrderDesk,
    order_id: OrderId,
    *,
    command_id: str,
    actor: Actor,
    is_stopped: bool = False,
    expected_version: int | None = None,
) -> OrderRecord:
    """Begin to gather the goods, or put them back with `is_stopped`: the end of the shopper's grace window."""
    event = EventType.PICKING_STOPPED if is_stopped else EventType.PICKING_STARTED
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "pick_order"):
            change.expect(expected_version)
            _require_stock(tx, order_id)
            change.apply(event)
            write(tx, change)
        return change.record


def ship_order(
    desk: OrderDesk,
    order_id: OrderId,
    parcel: Parcel,
    *,
    shipment_id: str,
    actor: Actor,
    expected_version: int | None = None,
) -> OrderRecord:
    """Send a parcel, once per `shipment_id`. Several parcels may take one order away bit by bit.

    Raises InvalidRequest for pieces that the order does not have or that left already, NotFound, TransitionRefused,
    VersionConflict, Unavailable (also while the reservation is still being confirmed).
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        lines = dict(parcel.lines) or left_to_ship(change.record)
        shipment = Shipment(
            shipment_id,
            order_id,
            lines,
            change.at,
            parcel.carrier,
            parcel.tracking_number,
            parcel.tracking_url,
        )
        if any(known.id == shipment_id for known in tx.shipments(order_id)):
            return change.record
        change.expect(expected_version)
        _require_stock(tx, order_id)
        _check(change.record, lines)
        _depart(change, shipment)
        tx.add_shipment(shipment)
        if desk.settings.capture_rule == "ship" and change.record.state.payment is PaymentStatus.AUTHORISED:
            change.promise_job("capture_payment", "1")
        return write(tx, change)


def _depart(change: OrderChange, shipment: Shipment) -> None:
    if change.record.state.fulfilment is FulfilmentStatus.UNFULFILLED:
        change.apply(EventType.PICKING_STARTED)
    for sku, pieces in shipment.lines.items():
        change.count(sku, shipped=pieces)
    is_last = not left_to_ship(change.record)
    change.apply(
        EventType.ORDER_SHIPPED if is_last else EventType.ORDER_PARTLY_SHIPPED,
        data={
            "shipment_id": shipment.id,
            "lines": dict(shipment.lines),
            "carrier": shipment.carrier,
            "tracking_number": shipment.tracking_number,
            "tracking_url": shipment.tracking_url,
        },
    )
    change.promise(
        Effect.SHIP_STOCK,
        f"ship:{shipment.id}",
        {"shipment_id": shipment.id, "lines": dict(shipment.lines)},
    )


def deliver_order(
    desk: OrderDesk, order_id: OrderId, *, command_id: str, actor: Actor, expected_version: int | None = None
) -> OrderRecord:
    """Everything arrived: the order is complete. Once per `command_id`."""
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "deliver_order"):
            change.expect(expected_version)
            change.apply(EventType.ORDER_DELIVERED)
            write(tx, change)
        return change.record


def _require_stock(tx: OrderTransaction, order_id: OrderId) -> None:
    """Nothing leaves the shelf before the reservation is known to stand: until then it might still expire."""
    if tx.is_promised(confirmation_key(order_id)):
        raise Unavailable("the stock of this order is being confirmed; try again in a moment")


def left_to_ship(record: OrderRecord) -> dict[Sku, int]:
    """Pieces that are still in the house, by SKU."""
    left = {}
    for line in record.request.lines:
        counts = record.counts_of(line.sku)
        pieces = line.quantity - counts.shipped - counts.cancelled
        if pieces > 0:
            left[line.sku] = pieces
    return left


def _check(record: OrderRecord, lines: Mapping[Sku, int]) -> None:
    left = left_to_ship(record)
    problems = [
        Problem(f"/lines/{sku}", f"{left.get(sku, 0)} pieces are left to ship, not {pieces}")
        for sku, pieces in lines.items()
        if not 0 < pieces <= left.get(sku, 0)
    ]
    if not lines:
        problems = [Problem("/lines", "nothing is left to ship")]
    if problems:
        raise InvalidRequest(problems)
