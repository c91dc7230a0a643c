"""Changing where an order goes, and leaving a note on it."""

from __future__ import annotations

from dataclasses import asdict, replace

from orders.domain.errors import InvalidRequest, Problem
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId
from orders.domain.request import Address
from orders.ports import OrderRecord
from orders.services.changes import open_order, write
from orders.services.desk import OrderDesk


def change_address(
    desk: OrderDesk,
    order_id: OrderId,
    address: Address,
    *,
    command_id: str,
    actor: Actor,
    expected_version: int | None = None,
) -> OrderRecord:
    """Send an order elsewhere in the same country, until picking starts. Once per `command_id`.

    Another country means another tax and delivery price: that is a new order, and InvalidRequest says so.
    """
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if not tx.accept_messages([command_id], "change_address"):
            return change.record
        change.expect(expected_version)
        old = change.record.request.shipping_address
        if address.country != old.country:
            raise InvalidRequest(
                [Problem("/country", f"the order is priced for {old.country}; cancel it and order anew")]
            )
        changed = {name: [getattr(old, name), value] for name, value in asdict(address).items()}
        diff = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
        change.record = replace(
            change.record, request=replace(change.record.request, shipping_address=address)
        )
        change.apply(EventType.ADDRESS_CHANGED, data={"changed": sorted(diff)})
        tx.save_shipping_address(order_id, address)
        return write(tx, change)


def add_note(
    desk: OrderDesk, order_id: OrderId, text: str, *, command_id: str, actor: Actor, is_public: bool = False
) -> OrderRecord:
    """Leave a note on the timeline, once per `command_id`; `is_public` notes are for the shopper too."""
    if not text.strip():
        raise InvalidRequest([Problem("/text", "write something")])
    with desk.book.transaction() as tx:
        change = open_order(tx, desk, order_id, actor)
        if tx.accept_messages([command_id], "add_note"):
            change.apply(EventType.NOTE_ADDED, text.strip(), {"is_public": is_public})
            write(tx, change)
        return change.record
