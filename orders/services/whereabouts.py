"""Where the pieces of an order lie, by warehouse, and how an order leaves from several of them.

The reservation tells where pieces were reserved, the book which of them left; the stock hears of a parcel a moment
after the book does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import NAMESPACE_OID, uuid5

from orders.domain.errors import InvalidRequest, NotFound, Problem
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN
from orders.ports import OrderRecord, Reservation, Shipment
from orders.services.desk import OrderDesk
from orders.services.ship_order import Parcel, add_tracking, free_to_ship, give_number, ship_order

Whereabouts = Mapping[str, Mapping[Sku, int]]
"""Warehouse -> SKU -> pieces; only places that have some."""


def places_of(reservation: Reservation | None) -> Sequence[str]:
    """The warehouses of an order's lines in their order, whatever left them since; the main one without a reservation."""
    lines = reservation.lines if reservation else ()
    return tuple(dict.fromkeys(line.warehouse for line in lines)) or (MAIN,)


def is_elsewhere(reservation: Reservation | None) -> bool:
    """Whether pieces of the order lie, or lay, in another warehouse than the main one."""
    return set(places_of(reservation)) != {MAIN}


def lying(
    record: OrderRecord,
    reservation: Reservation | None,
    shipments: Sequence[Shipment],
    pieces: Mapping[Sku, int],
) -> Whereabouts:
    """Where these pieces of an order lie, all of them in the main warehouse when it has no reservation.

    `shipments` are the order's parcels, oldest first: those that the stock has not heard of are taken off, from where
    the stock will take them. `pieces` have the last word about how many there are.
    """
    lines = reservation.lines if reservation and reservation.holds_stock else ()
    home = places_of(reservation)[0]
    found: dict[str, dict[Sku, int]] = {place: {} for place in places_of(reservation)}
    for sku, count in pieces.items():
        mine = [line for line in lines if line.sku == sku]
        held = {place: sum(line.held for line in mine if line.warehouse == place) for place in found}
        heard = sum(line.shipped for line in mine)
        for warehouse, gone in _unheard(sku, record.counts_of(sku).shipped - heard, shipments):
            _take(held, gone, warehouse)
        _take(held, sum(held.values()) - count, "")
        held[home] += count - sum(held.values())
        for place, left in held.items():
            if left:
                found[place][sku] = left
    return {place: skus for place, skus in found.items() if skus}


def _unheard(sku: Sku, count: int, shipments: Sequence[Shipment]) -> Sequence[tuple[str, int]]:
    """The pieces that left without the stock's knowing, the newest parcels', as (warehouse, pieces), oldest first."""
    parts: list[tuple[str, int]] = []
    for parcel in reversed(shipments):
        gone = min(count, parcel.lines.get(sku, 0))
        if gone > 0:
            parts.append((parcel.warehouse, gone))
            count -= gone
    return parts[::-1]


def _take(held: dict[str, int], count: int, warehouse: str) -> None:
    """Take pieces off, those in `warehouse` first: as domain.inventory.choose_lines does, but never refusing."""
    for place in sorted(held, key=lambda place: place != warehouse):
        gone = max(0, min(count, held[place]))
        held[place] -= gone
        count -= gone


def ship_from_each_place(
    desk: OrderDesk,
    order_id: OrderId,
    reservation: Reservation | None,
    *,
    carrier: str,
    shipment_id: str,
    actor: Actor,
) -> OrderRecord:
    """Send all that is left and free: one parcel from each warehouse where some of it lies.

    Once per `shipment_id`, however often it breaks off: each place's parcel has an id of its own, made of it. Raises as
    `ship_order`.
    """
    places = places_of(reservation)
    if len(places) == 1:
        parcel = Parcel({}, carrier, warehouse="" if places[0] == MAIN else places[0])
        return ship_order(desk, order_id, parcel, shipment_id=shipment_id, actor=actor)
    sent = [
        record
        for place in places
        if (
            record := _send_from(
                desk, order_id, reservation, Parcel({}, carrier, warehouse=place), shipment_id, actor
            )
        )
    ]
    # Where nothing is left, the use case says why.
    return (
        sent[-1]
        if sent
        else ship_order(desk, order_id, Parcel({}, carrier), shipment_id=shipment_id, actor=actor)
    )


def _send_from(
    desk: OrderDesk,
    order_id: OrderId,
    reservation: Reservation | None,
    parcel: Parcel,
    shipment_id: str,
    actor: Actor,
) -> OrderRecord | None:
    """The parcel of what lies in its warehouse, once; None when nothing does."""
    parcel_id = _id_of_part(parcel.warehouse, shipment_id)
    with desk.book.transaction() as tx:
        record, shipments = tx.get_order(order_id), tx.shipments(order_id)
    if record is None:
        raise NotFound(f"no order {order_id} in the book")
    if any(known.id == parcel_id for known in shipments):
        return record
    lines = lying(record, reservation, shipments, free_to_ship(record)).get(parcel.warehouse)
    if not lines:
        return None
    return ship_order(desk, order_id, replace(parcel, lines=lines), shipment_id=parcel_id, actor=actor)


def add_tracking_of_place(
    desk: OrderDesk,
    order_id: OrderId,
    reservation: Reservation | None,
    parcel: Parcel,
    *,
    command_id: str,
    actor: Actor,
) -> OrderRecord:
    """Give a carrier's number to what left `parcel.warehouse` without one, or send what lies there with it.

    Once per `command_id` and warehouse; a parcel that names none stands for the whole order. Raises as `ship_order`,
    InvalidRequest when nothing of the order lies there.
    """
    places, place = places_of(reservation), parcel.warehouse
    if len(places) == 1 and place in {"", places[0]}:
        place = "" if places[0] == MAIN else places[0]
        whole = replace(parcel, warehouse=place)
        return add_tracking(desk, order_id, whole, command_id=command_id, actor=actor)
    if not place:
        return add_tracking(desk, order_id, parcel, command_id=command_id, actor=actor)
    part_id = _id_of_part(place, command_id)
    done = give_number(desk, order_id, parcel, command_id=part_id, actor=actor)
    done = done or _send_from(desk, order_id, reservation, parcel, command_id, actor)
    if done is None:
        raise InvalidRequest([Problem("/warehouse", f"nothing of this order is left to ship in {place}")])
    return done


def _id_of_part(place: str, command_id: str) -> str:
    """The id of what a command does for one of several warehouses: the same at every repeat."""
    return f"{place}:{uuid5(NAMESPACE_OID, command_id)}"
