"""Plain Python values to DynamoDB's wire form and back, and the keys of every item.

The low-level client with these few lines is several times faster than boto3's resource layer, which builds a Decimal
for every number; all our numbers are whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from orders.domain.errors import LineRefusal, RefusalReason
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import (
    MAIN,
    PlaceLevel,
    ReservationState,
    ReservedLine,
    StockLevel,
    StockMovement,
)
from orders.ports import Reservation, TrackingView

Item = dict[str, Any]
"""An item in plain values."""
Wire = dict[str, Any]
"""An item as DynamoDB writes it: {"quantity": {"N": "3"}}."""

SHARDS = 16
"""Partitions of the sparse indexes, so that no index partition takes every order's writes."""

STOCK, HEAD, ORDER, MOVE, NOTIFY = "STOCK#", "SKU#", "ORDER#", "MOVE#", "NOTIFY#"


def encode(value: Any) -> dict[str, Any]:
    """One value in wire form. Raises TypeError for a float or any other type that has no place in our tables."""
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": {key: encode(each) for key, each in value.items()}}
    if isinstance(value, Sequence):
        return {"L": [encode(each) for each in value]}
    raise TypeError(f"{type(value).__name__} has no place in an item")


def decode(wire: Mapping[str, Any]) -> Any:
    """One value from wire form."""
    ((kind, value),) = wire.items()
    if kind == "N":
        return int(value)
    if kind == "L":
        return [decode(each) for each in value]
    if kind == "M":
        return {key: decode(each) for key, each in value.items()}
    return None if kind == "NULL" else value


def encode_item(item: Mapping[str, Any]) -> Wire:
    """An item in wire form."""
    return {name: encode(value) for name, value in item.items()}


def decode_item(wire: Mapping[str, Any]) -> Item:
    """An item from wire form."""
    return {name: decode(value) for name, value in wire.items()}


def milliseconds(moment: datetime) -> int:
    """An instant as whole milliseconds of Unix time: sortable, and exact for what we store."""
    return round(moment.timestamp() * 1000)


def moment(since_epoch_ms: int) -> datetime:
    """The instant of a number of milliseconds, aware and in UTC."""
    return datetime.fromtimestamp(since_epoch_ms / 1000, UTC)


def shard_of(order_id: str) -> str:
    """The index partition of an order."""
    return str(zlib.crc32(order_id.encode()) % SHARDS)


def stock_key(sku: str, counter: int) -> str:
    """The key of one counter."""
    return f"{STOCK}{sku}#{counter}"


def order_key(order_id: str) -> str:
    """The key of a reservation."""
    return f"{ORDER}{order_id}"


def move_key(movement_id: str, kind: str) -> str:
    """The key of the marker that applies a movement once."""
    return f"{MOVE}{movement_id}#{kind}"


def movement_of(marker: Item) -> StockMovement:
    """The delivery or correction that a marker tells of."""
    movement_id, _, _ = marker["pk"].removeprefix(MOVE).rpartition("#")
    return StockMovement(
        movement_id, Sku(marker["sku"]), int(marker["pieces"]), moment(int(marker["applied_at"]))
    )


# --- reservations -----------------------------------------------------------------------------------------


def reservation_item(reservation: Reservation) -> Item:
    """A new reservation as an item: in the outbox and liable to expire."""
    shard = shard_of(reservation.order_id)
    return {
        "pk": order_key(reservation.order_id),
        "order_id": reservation.order_id,
        "fingerprint": reservation.fingerprint,
        "currency": reservation.currency,
        "lines": line_items(reservation.lines),
        "state": reservation.state,
        "revision": 1,
        "message": reservation.message,
        "correlation_id": reservation.correlation_id,
        "accepted_at": milliseconds(reservation.accepted_at),
        "outbox_shard": shard,
        "outbox_at": milliseconds(reservation.accepted_at),
        "expiry_shard": shard,
        "expires_at": milliseconds(reservation.expires_at),
    }


def refusal_item(reservation: Reservation, refusals: Sequence[LineRefusal]) -> Item:
    """What stands in a reservation's place when its attempt was refused for good.

    To the release before it is a reservation that was released and holds nothing.
    """
    return {
        "pk": order_key(reservation.order_id),
        "order_id": reservation.order_id,
        "fingerprint": reservation.fingerprint,
        "currency": reservation.currency,
        "lines": [],
        "state": ReservationState.RELEASED,
        "revision": 1,
        "correlation_id": reservation.correlation_id,
        "accepted_at": milliseconds(reservation.accepted_at),
        "expires_at": milliseconds(reservation.expires_at),
        "refused_attempt": reservation.attempt,
        "refusals": [asdict(line) for line in refusals],
    }


def is_refusal(item: Mapping[str, Any]) -> bool:
    """Whether an item under an order's key tells of a refusal, and of no order."""
    return "refused_attempt" in item


def refusals_of(item: Mapping[str, Any]) -> list[LineRefusal]:
    """The lines at fault that a refusal names."""
    return [LineRefusal(**{**line, "reason": RefusalReason(line["reason"])}) for line in item["refusals"]]


def line_items(lines: Sequence[ReservedLine]) -> list[Item]:
    """The lines of a reservation in plain values. The main warehouse is not named: the release before knew no other."""
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price_minor": line.unit_price_minor,
            "counter": line.counter,
            "shipped": line.shipped,
            "returned": line.returned,
            **in_warehouse(line.warehouse),
        }
        for line in lines
    ]


def reservation_of(item: Mapping[str, Any]) -> Reservation:
    """A reservation from its item. What left an index by dropping its shard keeps the time that it had."""
    return Reservation(
        order_id=OrderId(item["order_id"]),
        fingerprint=item["fingerprint"],
        lines=tuple(ReservedLine(**{**line, "sku": Sku(line["sku"])}) for line in item["lines"]),
        state=ReservationState(item["state"]),
        message=item.get("message", ""),
        accepted_at=moment(item["accepted_at"]),
        expires_at=moment(item["expires_at"]),
        is_sent="outbox_shard" not in item,
        correlation_id=item.get("correlation_id", ""),
        currency=item.get("currency", ""),
    )


# --- stock ------------------------------------------------------------------------------------------------


def in_warehouse(warehouse: str) -> dict[str, str]:
    """The attribute that names a warehouse other than the main one."""
    return {} if warehouse == MAIN else {"warehouse": warehouse}


def places_of(head: Mapping[str, Any]) -> tuple[str, ...]:
    """The warehouse of each counter of a SKU, from its head item. A head that names none is of a SKU in one place."""
    named = tuple(head.get("warehouses", ()))
    return named or (MAIN,) * int(head["counters"])


def level_of(counters: Sequence[Mapping[str, Any]]) -> StockLevel:
    """The level of a SKU from its counters; each counter conserves its pieces, so the sum does too."""
    first = counters[0]
    by_place: dict[str, list[Mapping[str, Any]]] = {}
    for counter in sorted(counters, key=lambda each: int(each["counter"])):
        by_place.setdefault(counter.get("warehouse", MAIN), []).append(counter)
    return StockLevel(
        sku=Sku(first["sku"]),
        **_totals(counters),
        price_minor=first["price_minor"],
        currency=first["currency"],
        counters=len(counters),
        places=tuple(PlaceLevel(warehouse, **_totals(its)) for warehouse, its in by_place.items()),
    )


def _totals(counters: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {
        name: sum(counter[name] for counter in counters)
        for name in ("available", "reserved", "sold", "received")
    }


# --- tracking ---------------------------------------------------------------------------------------------


def tracking_item(view: TrackingView, kept_until: datetime) -> Item:
    """A tracking view as an item. `expires_at` is the table's TTL attribute, in seconds as DynamoDB wants it."""
    return {
        "order_id": view.order_id,
        "number": view.number,
        "version": view.version,
        "stage": view.stage,
        "order_status": view.order_status,
        "payment_status": view.payment_status,
        "fulfilment_status": view.fulfilment_status,
        "updated_at": milliseconds(view.updated_at),
        "events": [{"event": event, "at": milliseconds(at)} for event, at in view.events],
        "expected_at": milliseconds(view.expected_at) if view.expected_at else None,
        "correlation_id": view.correlation_id,
        "expires_at": int(kept_until.timestamp()),
    }


def tracking_of(item: Mapping[str, Any]) -> TrackingView:
    """A tracking view from its item."""
    return TrackingView(
        order_id=OrderId(item["order_id"]),
        number=item["number"],
        version=item["version"],
        stage=item["stage"],
        order_status=item["order_status"],
        payment_status=item["payment_status"],
        fulfilment_status=item["fulfilment_status"],
        updated_at=moment(item["updated_at"]),
        events=tuple((event["event"], moment(event["at"])) for event in item["events"]),
        expected_at=moment(item["expected_at"]) if item.get("expected_at") else None,
        correlation_id=item.get("correlation_id", ""),
    )
