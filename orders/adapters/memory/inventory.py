"""The inventory store in memory: one lock where DynamoDB has conditions, and the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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
    StockLevel,
    StockMovement,
    choose_counters,
    counter_order,
    split_evenly,
)
from orders.ports import Reservation, TrackingView


@dataclass
class _Counter:
    available: int = 0
    reserved: int = 0
    sold: int = 0
    received: int = 0


@dataclass
class _Stock:
    price_minor: int
    currency: str
    counters: list[_Counter]

    def available(self) -> list[int]:
        return [counter.available for counter in self.counters]


class MemoryInventory:
    """ports.InventoryStore for tests and tools. Threads may share it."""

    def __init__(self, tracking: MemoryTracking) -> None:
        self._lock = threading.RLock()
        self._tracking = tracking
        self._stock: dict[Sku, _Stock] = {}
        self._orders: dict[OrderId, Reservation] = {}
        self._outbox: dict[OrderId, datetime] = {}
        self._markers: set[tuple[str, MovementKind]] = set()
        self._received: list[StockMovement] = []

    # --- reservations -----------------------------------------------------------------------------------------

    def reserve(self, reservation: Reservation, tracking: TrackingView) -> Reservation:
        """See ports.InventoryStore."""
        with self._lock:
            if reservation.order_id in self._orders:
                return self._orders[reservation.order_id]
            placed = replace(reservation, lines=self._choose(reservation))
            for line in placed.lines:
                counter = self._counter(line)
                counter.available -= line.quantity
                counter.reserved += line.quantity
            self._orders[placed.order_id] = placed
            self._outbox[placed.order_id] = placed.accepted_at
            self._tracking.project(tracking)
            return placed

    def _choose(self, wanted: Reservation) -> tuple[ReservedLine, ...]:
        refusals: list[LineRefusal] = []
        lines: list[ReservedLine] = []
        for index, line in enumerate(wanted.lines):
            stock = self._stock.get(line.sku)
            if stock is None:
                refusals.append(LineRefusal(line.sku, RefusalReason.UNKNOWN_SKU, line.quantity))
                continue
            if stock.currency != wanted.currency:
                detail = f"{line.sku} is sold in {stock.currency}"
                raise InvalidRequest([Problem("/currency", detail), Problem(f"/lines/{index}/sku", detail)])
            left = sum(stock.available())
            preference = counter_order(wanted.order_id, line.sku, len(stock.counters))
            chosen = choose_counters(line.quantity, stock.available(), preference)
            if stock.price_minor != line.unit_price_minor or chosen is None:
                changed = stock.price_minor != line.unit_price_minor
                reason = RefusalReason.PRICE_CHANGED if changed else RefusalReason.OUT_OF_STOCK
                refusals.append(LineRefusal(line.sku, reason, line.quantity, left, stock.price_minor))
                continue
            lines += [replace(line, counter=counter, quantity=pieces) for counter, pieces in chosen]
        if refusals:
            raise OrderRefused(refusals)
        return tuple(lines)

    def find_reservation(self, order_id: OrderId) -> Reservation | None:
        """See ports.InventoryStore."""
        with self._lock:
            return self._orders.get(order_id)

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

    def ship(self, order_id: OrderId, shipment_id: str, lines: Mapping[Sku, int]) -> None:
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
                self._move(order, lines, lambda line: line.held, move)
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
    ) -> None:
        for sku, quantity in wanted.items():
            has = sum(movable(line) for line in order.lines if line.sku == sku)
            if not 0 < quantity <= has:
                raise Refused(f"{quantity} pieces of {sku} cannot be moved; the order has {has}")
        missing = dict(wanted)
        lines = []
        for line in order.lines:
            pieces = min(missing.get(line.sku, 0), movable(line))
            lines.append(move(line, pieces) if pieces else line)
            missing[line.sku] = missing.get(line.sku, 0) - pieces
        self._orders[order.order_id] = replace(order, lines=tuple(lines))

    # --- stock --------------------------------------------------------------------------------------------------

    def set_up_sku(self, sku: Sku, price_minor: int, currency: str, counters: int = 1) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            stock = self._stock.setdefault(sku, _Stock(price_minor, currency, []))
            stock.price_minor, stock.currency = price_minor, currency
            if counters > len(stock.counters):
                stock.counters += [_Counter() for _ in range(counters - len(stock.counters))]
                self._spread(stock)

    def _spread(self, stock: _Stock) -> None:
        """Even out what is available; a piece that changes its counter is received there and no longer here."""
        targets = split_evenly(sum(stock.available()), len(stock.counters))
        for counter, target in zip(stock.counters, targets, strict=True):
            counter.received += target - counter.available
            counter.available = target

    def restock(self, sku: Sku, quantity: int, movement_id: str) -> None:
        """See ports.InventoryStore."""
        if quantity <= 0:
            raise Refused("a restock adds at least one piece")
        self._receive(sku, quantity, (movement_id, MovementKind.RESTOCK))

    def adjust(self, sku: Sku, difference: int, movement_id: str) -> None:
        """See ports.InventoryStore."""
        marker = (movement_id, MovementKind.ADJUST)
        if difference > 0:
            self._receive(sku, difference, marker)
        elif difference < 0:
            self._write_off(sku, -difference, marker)

    def _receive(self, sku: Sku, quantity: int, marker: tuple[str, MovementKind]) -> None:
        with self._lock:
            counters = self._known_stock(sku).counters
            if marker in self._markers:
                return
            for counter, pieces in zip(counters, split_evenly(quantity, len(counters)), strict=True):
                counter.available += pieces
                counter.received += pieces
            self._note(sku, quantity, marker)

    def _write_off(self, sku: Sku, quantity: int, marker: tuple[str, MovementKind]) -> None:
        with self._lock:
            stock = self._known_stock(sku)
            if marker in self._markers:
                return
            chosen = choose_counters(quantity, stock.available(), range(len(stock.counters)))
            if chosen is None:
                left = sum(stock.available())
                raise Refused(f"{sku} has {left} pieces available, fewer than {quantity}")
            for number, pieces in chosen:
                stock.counters[number].available -= pieces
                stock.counters[number].received -= pieces
            self._note(sku, -quantity, marker)

    def _note(self, sku: Sku, pieces: int, marker: tuple[str, MovementKind]) -> None:
        self._markers.add(marker)
        self._received.append(StockMovement(marker[0], sku, pieces, datetime.now(UTC)))

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            self._known_stock(sku).price_minor = price_minor

    def levels(self, skus: Iterable[Sku]) -> Mapping[Sku, StockLevel]:
        """See ports.InventoryStore."""
        with self._lock:
            return {sku: self._level(sku) for sku in dict.fromkeys(skus) if sku in self._stock}

    def all_levels(self) -> Iterable[StockLevel]:
        """See ports.InventoryStore."""
        with self._lock:
            return [self._level(sku) for sku in self._stock]

    def all_reservations(self) -> Iterable[Reservation]:
        """See ports.InventoryStore."""
        with self._lock:
            return list(self._orders.values())

    def all_movements(self) -> Iterable[StockMovement]:
        """See ports.InventoryStore."""
        with self._lock:
            return list(self._received)

    def _level(self, sku: Sku) -> StockLevel:
        stock = self._stock[sku]
        return StockLevel(
            sku=sku,
            available=sum(counter.available for counter in stock.counters),
            reserved=sum(counter.reserved for counter in stock.counters),
            sold=sum(counter.sold for counter in stock.counters),
            received=sum(counter.received for counter in stock.counters),
            price_minor=stock.price_minor,
            currency=stock.currency,
            counters=len(stock.counters),
        )

    def _counter(self, line: ReservedLine) -> _Counter:
        return self._stock[line.sku].counters[line.counter]

    def _known_order(self, order_id: OrderId) -> Reservation:
        if order_id not in self._orders:
            raise NotFound(f"no reservation of order {order_id}")
        return self._orders[order_id]

    def _known_stock(self, sku: Sku) -> _Stock:
        if sku not in self._stock:
            raise NotFound(f"no SKU {sku}")
        return self._stock[sku]

    def _is_new(self, movement_id: str, kind: MovementKind) -> bool:
        return (movement_id, kind) not in self._markers
