"""Pieces that come and go without an order: deliveries, corrections and transfers, each in one transaction with its marker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orders.adapters.dynamodb.heads import Heads
from orders.adapters.dynamodb.items import in_warehouse, milliseconds, stock_key
from orders.adapters.dynamodb.skus import Skus
from orders.adapters.dynamodb.table import Action, Deadline, Table, TransactionCancelled
from orders.domain.errors import NotFound, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, choose_counters, split_evenly
from orders.ports import Clock

_COUNT = "SET #received = #received + :pieces, #available = #available + :pieces, #updated_at = :now"
Parts = list[tuple[int, int]]
"""(counter, pieces more or fewer)."""


class Counting:
    """What staff do to stock. A piece that leaves a warehouse is received there no longer: each counter keeps promise I1."""

    def __init__(self, inventory: Table, heads: Heads, skus: Skus, clock: Clock) -> None:
        self._inventory = inventory
        self._heads = heads
        self._skus = skus
        self._clock = clock

    def receive(self, sku: Sku, quantity: int, marker: str, warehouse: str) -> None:
        """Add pieces, spread over the SKU's counters in the warehouse, once per marker. Raises NotFound for an unknown SKU."""
        self._count(sku, self._spread(sku, quantity, warehouse), marker, warehouse)

    def write_off(self, sku: Sku, quantity: int, marker: str, warehouse: str) -> None:
        """Remove pieces that are available in the warehouse, once per marker. Raises Refused when too few are."""
        self._planned(sku, marker, warehouse, lambda: self._taken(sku, quantity, warehouse))

    def transfer(self, sku: Sku, quantity: int, marker: str, origin: str, destination: str) -> None:
        """Move available pieces to another warehouse, once per marker. Raises NotFound and Refused."""

        def parts() -> Parts:
            return [*self._taken(sku, quantity, origin), *self._spread(sku, quantity, destination)]

        self._planned(sku, marker, destination, parts)

    def _planned(self, sku: Sku, marker: str, warehouse: str, parts: Callable[[], Parts]) -> None:
        """Count what was planned, and plan again when somebody took the pieces between the plan and the write."""
        deadline = Deadline()
        while self._inventory.get(marker) is None:
            try:
                self._count(sku, parts(), marker, warehouse)
                return
            except _Overtaken:
                deadline.back_off()

    def _spread(self, sku: Sku, quantity: int, warehouse: str) -> Parts:
        """What each counter in the warehouse gets; it gets its first counter when the SKU never lay there."""
        places = self._heads.places_of([sku])[sku]
        if warehouse not in places:
            self._skus.open_in(sku, warehouse)
            places = self._heads.read([sku])[sku]
        here = _counters_in(places, warehouse)
        return [(n, part) for n, part in zip(here, split_evenly(quantity, len(here)), strict=True) if part]

    def _taken(self, sku: Sku, quantity: int, warehouse: str) -> Parts:
        """Which counters in the warehouse give how many pieces, the fullest first. Raises NotFound and Refused."""
        here = _counters_in(self._heads.read([sku])[sku], warehouse)
        found = self._inventory.get_many([stock_key(sku, n) for n in (0, *here)])
        if stock_key(sku, 0) not in found:
            raise NotFound(f"no SKU {sku}")
        left = {n: found[stock_key(sku, n)]["available"] if stock_key(sku, n) in found else 0 for n in here}
        available = [left.get(n, 0) for n in range(max(here, default=0) + 1)]
        chosen = choose_counters(quantity, available, sorted(here, key=lambda n: -available[n]))
        if chosen is None:
            where = "" if warehouse == MAIN else f" in {warehouse}"
            raise Refused(f"{sku} has {sum(left.values())} pieces available{where}, fewer than {quantity}")
        return [(n, -pieces) for n, pieces in chosen]

    def _count(self, sku: Sku, parts: Sequence[tuple[int, int]], marker: str, warehouse: str) -> None:
        now = milliseconds(self._clock.now())
        actions = [self._told(marker, sku, sum(pieces for _, pieces in parts), warehouse, now)]
        actions += [self._shift(sku, counter, pieces, now) for counter, pieces in parts]
        try:
            self._inventory.transact(actions, Deadline())
        except TransactionCancelled as cancelled:
            marked, *stock = cancelled.reasons
            if marked.is_condition:
                return
            if any(reason.is_condition and reason.item is None for reason in stock):
                self._heads.forget(sku)
                raise NotFound(f"no SKU {sku}") from cancelled
            raise _Overtaken from cancelled

    def _told(self, marker: str, sku: Sku, pieces: int, warehouse: str, now: int) -> Action:
        """The marker that applies a movement once. It tells what it did: nothing else does."""
        return self._inventory.put_if_absent(
            {
                "pk": marker,
                "order_id": "",
                "applied_at": now,
                "sku": sku,
                "pieces": pieces,
                **in_warehouse(warehouse),
            }
        )

    def _shift(self, sku: Sku, counter: int, pieces: int, now: int) -> Action:
        if pieces >= 0:
            return self._inventory.change(
                stock_key(sku, counter), _COUNT, "attribute_exists(#pk)", pieces=pieces, now=now
            )
        return self._inventory.change(
            stock_key(sku, counter), _COUNT, "#available >= :least", pieces=pieces, least=-pieces, now=now
        )


def _counters_in(places: Sequence[str], warehouse: str) -> list[int]:
    return [n for n, place in enumerate(places) if place == warehouse]


class _Overtaken(Exception):
    """Somebody took the pieces between the plan and the write: plan again."""
