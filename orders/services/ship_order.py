"""Picking, shipping in one or several parcels, and delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from orders.domain.errors import InvalidRequest, NotFound, Problem, Unavailable
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import FulfilmentStatus, PaymentStatus
from orders.ports import Effect, OrderRecord, OrderTransaction, Shipment
from orders.services.changes import OrderChange, confirmation_key, open_order, write
from orders.services.desk import OrderDesk


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be shipped: pieces by SKU (all that is left and not on hold when empty), how it travels, and from which warehouse.

    The stock of that warehouse is taken first; without one it is taken wherever the order's pieces lie.
    """

    lines: Mapping[Sku, int]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    warehouse: str = ""


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

    Raises InvalidRequest for pieces that the order does not have, that left already or that are on hold, NotFound, TransitionRefused,
    VersionConflict, Unavailable (also while the reservation is still being confirmed).
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        lines = dict(parcel.lines) or free_to_ship(change.record)
        shipment = Shipment(
            shipment_id,
            order_id,
            lines,
            change.at,
            parcel.carrier,
            parcel.tracking_number,
            parcel.tracking_url,
            warehouse=parcel.warehouse,
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
    place = {"warehouse": shipment.warehouse} if shipment.warehouse else {}
    change.apply(
        EventType.ORDER_SHIPPED if is_last else EventType.ORDER_PARTLY_SHIPPED,
        data={
            "shipment_id": shipment.id,
            "lines": dict(shipment.lines),
            "carrier": shipment.carrier,
            "tracking_number": shipment.tracking_number,
            "tracking_url": shipment.tracking_url,
            **place,
        },
    )
    change.promise(
        Effect.SHIP_STOCK,
        f"ship:{shipment.id}",
        {"shipment_id": shipment.id, "lines": dict(shipment.lines), **place},
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
            for shipment in tx.shipments(order_id):
                if shipment.delivered_at is None:
                    tx.save_shipment(replace(shipment, delivered_at=change.at))
            write(tx, change)
        return change.record


def deliver_parcel(
    desk: OrderDesk, carrier: str, tracking_number: str, *, event_id: str, actor: Actor, at: datetime
) -> OrderRecord:
    """A carrier says that one parcel arrived, once per `event_id`; the order is complete with its last parcel.

    Raises NotFound for a number that no parcel has, Unavailable.
    """
    with desk.book.transaction() as tx:
        known = tx.find_shipment(carrier, tracking_number)
        if known is None:
            raise NotFound(f"no parcel {tracking_number} of {carrier}")
        change = open_order(tx, desk, known.order_id, actor)
        if not tx.accept_messages([event_id], "deliver_parcel"):
            return change.record
        parcels = {parcel.id: parcel for parcel in tx.shipments(known.order_id)}
        parcel = parcels[known.id]
        if parcel.delivered_at is not None:
            return change.record
        parcels[parcel.id] = replace(parcel, delivered_at=at)
        tx.save_shipment(parcels[parcel.id])
        facts = {"shipment_id": parcel.id, "carrier": carrier, "tracking_number": tracking_number}
        change.apply(EventType.PARCEL_DELIVERED, data=facts)
        is_whole = change.record.state.fulfilment is FulfilmentStatus.SHIPPED
        if is_whole and all(each.delivered_at is not None for each in parcels.values()):
            change.apply(EventType.ORDER_DELIVERED)
        return write(tx, change)


def add_tracking(
    desk: OrderDesk, order_id: OrderId, parcel: Parcel, *, command_id: str, actor: Actor
) -> OrderRecord:
    """Give the carrier's number of `parcel` to the latest parcel that left without one, or ship `parcel` with it.

    Once per `command_id`; a number that one of the order's parcels has already changes nothing. Raises as `ship_order`.
    """
    numbered = give_number(desk, order_id, parcel, command_id=command_id, actor=actor)
    return numbered or ship_order(desk, order_id, parcel, shipment_id=command_id, actor=actor)


def give_number(
    desk: OrderDesk, order_id: OrderId, parcel: Parcel, *, command_id: str, actor: Actor
) -> OrderRecord | None:
    """Give a carrier's number to the latest parcel that left without one, from its warehouse where it names one.

    Once per `command_id`; None when there is no such parcel. Raises NotFound, Unavailable.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        parcels = tx.shipments(order_id)
        if any((p.carrier, p.tracking_number) == (parcel.carrier, parcel.tracking_number) for p in parcels):
            return change.record
        bare = [p for p in parcels if not p.tracking_number and parcel.warehouse in {"", p.warehouse}]
        if not bare:
            return None
        if tx.accept_messages([command_id], "add_tracking"):
            numbered = replace(
                bare[-1],
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
                tracking_url=parcel.tracking_url,
            )
            tx.save_shipment(numbered)
            facts = {
                "carrier": numbered.carrier,
                "tracking_number": numbered.tracking_number,
                "tracking_url": numbered.tracking_url,
            }
            change.apply(EventType.TRACKING_ADDED, data={"shipment_id": numbered.id, **facts})
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


def free_to_ship(record: OrderRecord) -> dict[Sku, int]:
    """Pieces that are still in the house and may leave it: those of held lines wait."""
    return {sku: pieces for sku, pieces in left_to_ship(record).items() if sku not in record.held_lines}


def _check(record: OrderRecord, lines: Mapping[Sku, int]) -> None:
    left = free_to_ship(record)
    problems = [
        Problem(f"/lines/{sku}", f"{left.get(sku, 0)} pieces are left to ship, not {pieces}")
        for sku, pieces in lines.items()
        if sku not in record.held_lines and not 0 < pieces <= left.get(sku, 0)
    ]
    problems += [
        Problem(f"/lines/{sku}", f"this line is on hold: {record.held_lines[sku].reason}")
        for sku in lines
        if sku in record.held_lines
    ]
    if not lines:
        why = "every line that is left is on hold" if record.held_lines else "nothing is left to ship"
        problems = [Problem("/lines", why)]
    if problems:
        raise InvalidRequest(problems)
