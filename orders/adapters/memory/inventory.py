"""The inventory store in memory: one lock where DynamoDB has conditions, and the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orders.adapters.memory.shelf import Counter
from orders.adapters.memory.stockroom import Stockroom
from orders.adapters.memory.tracking import MemoryTracking
from orders.domain.errors import (
    InvalidRequest,
    LineRefusal,
    NotFound,
    OrderRefused,
    Problem,
    RefusalReason,
    Refused,
)
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import (
    MovementKind,
    ReservationState,
    ReservedLine,
    choose_lines,
)
from orders.domain.warehouses import allocate, order_of_choice
from orders.ports import Reservation, TrackingView


class MemoryInventory(Stockroom):
    """ports.InventoryStore for tests and tools: the stockroom, and what orders reserve in it. Threads may share it."""

    def __init__(self, tracking: MemoryTracking) -> None:
        super().__init__()
        self._tracking = tracking
        self._orders: dict[OrderId, Reservation] = {}
        self._refused: dict[OrderId, tuple[int, tuple[LineRefusal, ...]]] = {}
        self._outbox: dict[OrderId, datetime] = {}

    def reserve(self, reservation: Reservation, tracking: TrackingView) -> Reservation:
        """See ports.InventoryStore."""
        with self._lock:
            if reservation.order_id in self._orders:
                return self._orders[reservation.order_id]
            refused_attempt, refusals = self._refused.get(reservation.order_id, (0, ()))
            if reservation.attempt <= refused_attempt:
                raise OrderRefused(refusals, is_final=True)
            placed = replace(reservation, lines=self._choose(reservation))
            for line in placed.lines:
                counter = self._counter(line)
                counter.available -= line.quantity
                counter.reserved += line.quantity
            self._orders[placed.order_id] = placed
            self._outbox[placed.order_id] = placed.accepted_at
            self._tracking.project(tracking)
            return placed

    def refuse_for_good(
        self, reservation: Reservation, refusals: Sequence[LineRefusal]
    ) -> Reservation | None:
        """See ports.InventoryStore."""
        with self._lock:
            known = self._orders.get(reservation.order_id)
            if known is None and self._refused.get(reservation.order_id, (0, ()))[0] <= reservation.attempt:
                self._refused[reservation.order_id] = (reservation.attempt, tuple(refusals))
            return known

    def _choose(self, wanted: Reservation) -> tuple[ReservedLine, ...]:
        refusals: list[LineRefusal] = []
        for index, line in enumerate(wanted.lines):
            shelf = self._stock.get(line.sku)
            if shelf is None:
                refusals.append(LineRefusal(line.sku, RefusalReason.UNKNOWN_SKU, line.quantity))
                continue
            if shelf.currency != wanted.currency:
                detail = f"{line.sku} is sold in {shelf.currency}"
                raise InvalidRequest([Problem("/currency", detail), Problem(f"/lines/{index}/sku", detail)])
            left, price = shelf.available(), shelf.price_minor
            if price != line.unit_price_minor:
                refusals.append(
                    LineRefusal(line.sku, RefusalReason.PRICE_CHANGED, line.quantity, left, price)
                )
            elif left < line.quantity:
                refusals.append(LineRefusal(line.sku, RefusalReason.OUT_OF_STOCK, line.quantity, left, price))
        if refusals:
            raise OrderRefused(refusals)
        return self._allocated(wanted)

    def _allocated(self, wanted: Reservation) -> tuple[ReservedLine, ...]:
        stock = {line.sku: self._stock[line.sku].sellable() for line in wanted.lines}
        pieces = {line.sku: line.quantity for line in wanted.lines}
        choice = order_of_choice(self._warehouses, wanted.destination)
        chosen = allocate(wanted.order_id, pieces, stock, choice) or {}
        return tuple(
            replace(line, counter=n, quantity=quantity, warehouse=stock[line.sku].places[n])
            for line in wanted.lines
            for n, quantity in chosen[line.sku]
        )

    def find_reservation(self, order_id: OrderId) -> Reservation | None:
        """See ports.InventoryStore."""
        with self._lock:
            return self._orders.get(order_id)

    def find_reservations(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Reservation]:
        """See ports.InventoryStore."""
        with self._lock:
            return {order_id: self._orders[order_id] for order_id in order_ids if order_id in self._orders}

    def mark_sent(self, order_id: OrderId, sent_in: ReservationState = ReservationState.RESERVED) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            found = self._orders.get(order_id)
            if found is not None and found.state is sent_in:
                self._orders[order_id] = replace(found, is_sent=True)

    def unsent(self, accepted_before: datetime, limit: int) -> Sequence[Reservation]:
        """See ports.InventoryStore."""
        with self._lock:
            found = [
                order
                for order in self._orders.values()
                if not order.is_sent and self._outbox[order.order_id] < accepted_before
            ]
            return sorted(found, key=lambda order: self._outbox[order.order_id])[:limit]

    def overdue(self, now: datetime, limit: int) -> Sequence[Reservation]:
        """See ports.InventoryStore."""
        with self._lock:
            found = [
                order
                for order in self._orders.values()
                if order.state is ReservationState.RESERVED and order.expires_at < now
            ]
            return sorted(found, key=lambda order: order.expires_at)[:limit]

    def expire(self, order_id: OrderId, message: str, tracking: TrackingView) -> bool:
        """See ports.InventoryStore."""
        with self._lock:
            found = self._orders.get(order_id)
            if found is None or found.state is not ReservationState.RESERVED:
                return False
            self._give_back(found)
            self._orders[order_id] = replace(
                found, state=ReservationState.EXPIRED, message=message, is_sent=False
            )
            self._outbox[order_id] = tracking.updated_at
            self._tracking.project(tracking)
            return True

    def confirm(self, order_id: OrderId) -> ReservationState:
        """See ports.InventoryStore."""
        with self._lock:
            found = self._known_order(order_id)
            if found.state is ReservationState.RESERVED:
                found = replace(found, state=ReservationState.CONFIRMED, message="", is_sent=True)
                self._orders[order_id] = found
            return found.state

    def release(self, order_id: OrderId) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            found = self._known_order(order_id)
            state = found.state
            if found.holds_stock:
                self._give_back(found)
                state = ReservationState.RELEASED
            self._orders[order_id] = replace(found, state=state, message="", is_sent=True)

    def _give_back(self, order: Reservation) -> None:
        for line in order.lines:
            counter = self._counter(line)
            counter.reserved -= line.held
            counter.available += line.held

    def reduce(self, order_id: OrderId, change_id: str, lines: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore."""

        def move(line: ReservedLine, pieces: int) -> ReservedLine:
            counter = self._counter(line)
            counter.reserved -= pieces
            counter.available += pieces
            return replace(line, quantity=line.quantity - pieces)

        with self._lock:
            order = self._known_order(order_id)
            if order.holds_stock and self._is_new(change_id, MovementKind.RELEASE):
                self._move(order, lines, lambda line: line.held, move)
                self._markers.add((change_id, MovementKind.RELEASE))

    def ship(
        self, order_id: OrderId, shipment_id: str, lines: Mapping[Sku, int], warehouse: str = ""
    ) -> None:
        """See ports.InventoryStore."""

        def move(line: ReservedLine, pieces: int) -> ReservedLine:
            counter = self._counter(line)
            counter.reserved -= pieces
            counter.sold += pieces
            return replace(line, shipped=line.shipped + pieces)

        with self._lock:
            order = self._known_order(order_id)
            if self._is_new(shipment_id, MovementKind.SHIP):
                if not order.holds_stock:
                    raise Refused(f"order {order_id} is {order.state} and holds nothing to ship")
                self._move(order, lines, lambda line: line.held, move, warehouse)
                self._markers.add((shipment_id, MovementKind.SHIP))

    def take_back(self, order_id: OrderId, return_id: str, lines: Mapping[Sku, int]) -> None:
        """See ports.InventoryStore."""

        def move(line: ReservedLine, pieces: int) -> ReservedLine:
            counter = self._counter(line)
            counter.sold -= pieces
            counter.available += pieces
            return replace(line, returned=line.returned + pieces)

        with self._lock:
            order = self._known_order(order_id)
            if self._is_new(return_id, MovementKind.TAKE_BACK):
                self._move(order, lines, lambda line: line.shipped - line.returned, move)
                self._markers.add((return_id, MovementKind.TAKE_BACK))

    def _move(
        self,
        order: Reservation,
        wanted: Mapping[Sku, int],
        movable: Callable[[ReservedLine], int],
        move: Callable[[ReservedLine, int], ReservedLine],
        warehouse: str = "",
    ) -> None:
        moves = {
            (line.sku, line.counter): pieces
            for line, pieces in choose_lines(order.lines, wanted, movable, warehouse)
        }
        lines = [
            move(line, moves[line.sku, line.counter]) if (line.sku, line.counter) in moves else line
            for line in order.lines
        ]
        self._orders[order.order_id] = replace(order, lines=tuple(lines))

    def all_reservations(self) -> Iterable[Reservation]:
        """See ports.InventoryStore."""
        with self._lock:
            return list(self._orders.values())

    def _counter(self, line: ReservedLine) -> Counter:
        return self._stock[line.sku].counters[line.counter]

    def _known_order(self, order_id: OrderId) -> Reservation:
        if order_id not in self._orders:
            raise NotFound(f"no reservation of order {order_id}")
        return self._orders[order_id]

    def _is_new(self, movement_id: str, kind: MovementKind) -> bool:
        return (movement_id, kind) not in self._markers
