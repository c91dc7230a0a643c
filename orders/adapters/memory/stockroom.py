"""The stock in memory: what lies where, what it costs, and every movement once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from orders.adapters.memory.shelf import Shelf
from orders.domain.errors import NotFound, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, MovementKind, StockLevel, StockMovement
from orders.domain.warehouses import ONLY_MAIN, Warehouse, checked_list


class Stockroom:
    """The part of ports.InventoryStore that knows no orders. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._stock: dict[Sku, Shelf] = {}
        self._warehouses: tuple[Warehouse, ...] = ONLY_MAIN
        self._markers: set[tuple[str, MovementKind]] = set()
        self._received: list[StockMovement] = []

    def set_up_sku(
        self, sku: Sku, price_minor: int, currency: str, counters: int = 1, warehouse: str = MAIN
    ) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            shelf = self._stock.setdefault(sku, Shelf(sku, price_minor, currency))
            shelf.price_minor, shelf.currency = price_minor, currency
            shelf.split(counters, warehouse)

    def restock(self, sku: Sku, quantity: int, movement_id: str, warehouse: str = MAIN) -> None:
        """See ports.InventoryStore."""
        if quantity <= 0:
            raise Refused("a restock adds at least one piece")
        self._once(
            sku,
            (movement_id, MovementKind.RESTOCK),
            quantity,
            lambda shelf: shelf.receive(quantity, warehouse),
        )

    def adjust(self, sku: Sku, difference: int, movement_id: str, warehouse: str = MAIN) -> None:
        """See ports.InventoryStore."""

        def change(shelf: Shelf) -> None:
            if difference > 0:
                shelf.receive(difference, warehouse)
            else:
                shelf.write_off(-difference, warehouse)

        if difference:
            self._once(sku, (movement_id, MovementKind.ADJUST), difference, change)

    def transfer(self, sku: Sku, quantity: int, movement_id: str, *, origin: str, destination: str) -> None:
        """See ports.InventoryStore."""
        if quantity <= 0 or origin == destination:
            raise Refused("a transfer moves at least one piece to another warehouse")

        def change(shelf: Shelf) -> None:
            shelf.write_off(quantity, origin)
            shelf.receive(quantity, destination)

        self._once(sku, (movement_id, MovementKind.TRANSFER), 0, change)

    def _once(
        self, sku: Sku, marker: tuple[str, MovementKind], pieces: int, change: Callable[[Shelf], None]
    ) -> None:
        with self._lock:
            shelf = self._known_stock(sku)
            if marker not in self._markers:
                change(shelf)
                self._markers.add(marker)
                self._received.append(StockMovement(marker[0], sku, pieces, datetime.now(UTC)))

    def warehouses(self) -> Sequence[Warehouse]:
        """See ports.InventoryStore."""
        return self._warehouses

    def set_warehouses(self, warehouses: Sequence[Warehouse]) -> None:
        """See ports.InventoryStore."""
        self._warehouses = checked_list(warehouses)

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """See ports.InventoryStore."""
        with self._lock:
            self._known_stock(sku).price_minor = price_minor

    def levels(self, skus: Iterable[Sku]) -> Mapping[Sku, StockLevel]:
        """See ports.InventoryStore."""
        with self._lock:
            return {sku: self._stock[sku].level() for sku in dict.fromkeys(skus) if sku in self._stock}

    def all_levels(self) -> Iterable[StockLevel]:
        """See ports.InventoryStore."""
        with self._lock:
            return [shelf.level() for shelf in self._stock.values()]

    def all_movements(self) -> Iterable[StockMovement]:
        """See ports.InventoryStore."""
        with self._lock:
            return list(self._received)

    def _known_stock(self, sku: Sku) -> Shelf:
        if sku not in self._stock:
            raise NotFound(f"no SKU {sku}")
        return self._stock[sku]
