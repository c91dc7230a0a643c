"""The inventory store on DynamoDB: stock counters, reservations and the outbox of accepted orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orders.adapters.dynamodb.counting import Counting
from orders.adapters.dynamodb.heads import Heads
from orders.adapters.dynamodb.items import (
    HEAD,
    MOVE,
    ORDER,
    STOCK,
    Item,
    is_refusal,
    level_of,
    milliseconds,
    move_key,
    movement_of,
    order_key,
    reservation_of,
    stock_key,
    tracking_item,
)
from orders.adapters.dynamodb.movements import Movements
from orders.adapters.dynamodb.reserving import Reserving
from orders.adapters.dynamodb.skus import Skus
from orders.adapters.dynamodb.sparse_index import SparseIndex
from orders.adapters.dynamodb.table import ConditionFailed, Table
from orders.adapters.dynamodb.tracking import TRACKING_KEPT, DynamoTracking
from orders.adapters.dynamodb.warehouses import Warehouses
from orders.domain.errors import LineRefusal, NotFound, Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN, MovementKind, ReservationState, StockLevel, StockMovement
from orders.domain.warehouses import Warehouse, checked_list
from orders.ports import Clock, Reservation, TrackingView
from orders.settings import Settings


class DynamoInventory:
    """ports.InventoryStore on the tables `inventory` and, for the first tracking view of an order, `tracking`."""

    def __init__(self, client: Any, settings: Settings, clock: Clock) -> None:
        self._table = Table(client, settings.inventory_table, "pk")
        self._outbox = SparseIndex(client, settings.inventory_table, "outbox", "outbox_shard", "outbox_at")
        self._expiry = SparseIndex(client, settings.inventory_table, "expiry", "expiry_shard", "expires_at")
        self._heads = Heads(self._table)
        self._tracking = DynamoTracking(client, settings)
        self._warehouses = Warehouses(self._table)
        self._reserving = Reserving(
            self._table, Table(client, settings.tracking_table, "order_id"), self._heads, self._warehouses
        )
        self._movements = Movements(self._table, clock)
        self._skus = Skus(self._table, self._heads, clock)
        self._counting = Counting(self._table, self._heads, self._skus, clock)

    # --- reservations -----------------------------------------------------------------------------------------

    def reserve(self, reservation: Reservation, tracking: TrackingView) -> Reservation:
        """See ports.InventoryStore."""
        view = tracking_item(tracking, tracking.updated_at + TRACKING_KEPT)
        return self._reserving.reserve(reservation, view)

    def refuse_for_good(
        self, reservation: Reservation, refusals: Sequence[LineRefusal]
    ) -> Reservation | None:
        """See ports.InventoryStore."""
        return self._reserving.refuse_for_good(reservation, refusals)

    def find_reservation(self, order_id: OrderId) -> Reservation | None:
        """See ports.InventoryStore."""
        item = self._table.get(order_key(order_id))
        return reservation_of(item) if item and not is_refusal(item) else None

    def find_reservations(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Reservation]:
        """See ports.InventoryStore."""
        items = self._table.get_many([order_key(order_id) for order_id in order_ids])
        found = [reservation_of(item) for item in items.values() if not is_refusal(item)]
        return {reservation.order_id: reservation for reservation in found}

    def mark_sent(self, order_id: OrderId, sent_in: ReservationState = ReservationState.RESERVED) -> None:
        """See ports.InventoryStore. Dropping the shard takes the item off the sparse index; its time stays on record."""
        try:
            self._table.update(
                order_key(order_id), "REMOVE #outbox_shard", "#state = :sent_in", sent_in=sent_in
            )
        except ConditionFailed:
            return  # It moved on: confirmed (and off the index already), or another message waits there.

    def unsent(self, accepted_before: datetime, limit: int) -> Sequence[Reservation]:
        """See ports.InventoryStore. The index is eventually consistent: what is missed now is found next time."""
        return [reservation_of(item) for item in self._outbox.before(milliseconds(accepted_before), limit)]

    def overdue(self, now: datetime, limit: int) -> Sequence[Reservation]:
        """See ports.InventoryStore."""
        return [reservation_of(item) for item in self._expiry.before(milliseconds(now), limit)]

    def expire(self, order_id: OrderId, message: str, tracking: TrackingView) -> bool:
        """See ports.InventoryStore."""
        if not self._movements.expire(order_id, message, tracking.updated_at):
            return False
        # Outside the transaction: a view that the worker made newer must not stop stock from coming back.
        self._tracking.project(tracking)
        return True

    def confirm(self, order_id: OrderId) -> ReservationState:
        """See ports.InventoryStore."""
        try:
            self._table.update(
                order_key(order_id),
                "SET #state = :confirmed, #revision = #revision + :one "
                "REMOVE #expiry_shard, #outbox_shard, #message",
                "#state = :reserved",
                confirmed=ReservationState.CONFIRMED,
                reserved=ReservationState.RESERVED,
                one=1,
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound(f"no reservation of order {order_id}") from failed
            return ReservationState(failed.item["state"])
        return ReservationState.CONFIRMED

    def release(self, order_id: OrderId) -> None:
        """See ports.InventoryStore."""
        self._movements.release(order_id)

    def reduce(self, order_id: OrderId, change_id: str, lines: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore."""
        self._movements.reduce(order_id, change_id, lines)

    def ship(
        self, order_id: OrderId, shipment_id: str, lines: Mapping[Sku, int], warehouse: str = ""
    ) -> None:
        """See ports.InventoryStore."""
        self._movements.ship(order_id, shipment_id, lines, warehouse)

    def take_back(self, order_id: OrderId, return_id: str, lines: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore."""
        self._movements.take_back(order_id, return_id, lines)

    # --- stock --------------------------------------------------------------------------------------------------

    def set_up_sku(
        self, sku: Sku, price_minor: int, currency: str, counters: int = 1, warehouse: str = MAIN
    ) -> None:
        """See ports.InventoryStore. A SKU keeps the counters that it has and may get more."""
        self._skus.set_up(sku, price_minor, currency, counters, warehouse)

    def restock(self, sku: Sku, quantity: int, movement_id: str, warehouse: str = MAIN) -> None:
        """See ports.InventoryStore."""
        if quantity <= 0:
            raise Refused("a restock adds at least one piece")
        self._counting.receive(sku, quantity, move_key(movement_id, MovementKind.RESTOCK), warehouse)

    def adjust(self, sku: Sku, difference: int, movement_id: str, warehouse: str = MAIN) -> None:
        """See ports.InventoryStore."""
        marker = move_key(movement_id, MovementKind.ADJUST)
        if difference > 0:
            self._counting.receive(sku, difference, marker, warehouse)
        elif difference < 0:
            self._counting.write_off(sku, -difference, marker, warehouse)

    def transfer(self, sku: Sku, quantity: int, movement_id: str, *, origin: str, destination: str) -> None:
        """See ports.InventoryStore."""
        if quantity <= 0 or origin == destination:
            raise Refused("a transfer moves at least one piece to another warehouse")
        marker = move_key(movement_id, MovementKind.TRANSFER)
        self._counting.transfer(sku, quantity, marker, origin, destination)

    def warehouses(self) -> Sequence[Warehouse]:
        """See ports.InventoryStore."""
        return self._warehouses.read()

    def set_warehouses(self, warehouses: Sequence[Warehouse]) -> None:
        """See ports.InventoryStore."""
        self._warehouses.write(checked_list(warehouses))

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """See ports.InventoryStore."""
        self._skus.set_price(sku, price_minor)

    def levels(self, skus: Iterable[Sku]) -> Mapping[Sku, StockLevel]:
        """See ports.InventoryStore."""
        wanted = list(dict.fromkeys(skus))
        first = self._table.get_many([key for sku in wanted for key in (f"{HEAD}{sku}", stock_key(sku, 0))])
        more = [
            stock_key(sku, n)
            for sku in wanted
            if f"{HEAD}{sku}" in first
            for n in range(1, first[f"{HEAD}{sku}"]["counters"])
        ]
        found = [*first.values(), *self._table.get_many(more).values()]
        return {level.sku: level for level in _levels(item for item in found if "available" in item)}

    def all_levels(self) -> Iterable[StockLevel]:
        """See ports.InventoryStore."""
        return _levels(self._table.scan(STOCK))

    def all_reservations(self) -> Iterator[Reservation]:
        """See ports.InventoryStore."""
        return (reservation_of(item) for item in self._table.scan(ORDER) if not is_refusal(item))

    def all_movements(self) -> Iterator[StockMovement]:
        """See ports.InventoryStore."""
        return (movement_of(item) for item in self._table.scan(MOVE) if "pieces" in item)


def _levels(counters: Iterable[Item]) -> list[StockLevel]:
    by_sku: dict[str, list[Item]] = {}
    for counter in counters:
        by_sku.setdefault(counter["sku"], []).append(counter)
    return [level_of(counters) for counters in by_sku.values()]
