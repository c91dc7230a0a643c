"""The stock of one SKU in memory: its counters, each in a warehouse, and what can be done to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from orders.domain.errors import Refused
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, PlaceLevel, StockLevel, choose_counters, split_evenly
from orders.domain.warehouses import SkuStock


@dataclass
class Counter:
    """The four numbers of a counter, which promise I1 binds, and where its pieces lie."""

    warehouse: str = MAIN
    available: int = 0
    reserved: int = 0
    sold: int = 0
    received: int = 0


@dataclass
class Shelf:
    """One SKU."""

    sku: Sku
    price_minor: int
    currency: str
    counters: list[Counter] = field(default_factory=list)

    def sellable(self) -> SkuStock:
        """What the allocation looks at."""
        return SkuStock(
            [counter.warehouse for counter in self.counters], [counter.available for counter in self.counters]
        )

    def available(self) -> int:
        """Pieces that can be sold, in all warehouses."""
        return sum(counter.available for counter in self.counters)

    def split(self, counters: int, warehouse: str) -> None:
        """So many counters in a warehouse at least, with what is available evened out among them."""
        more = counters - len(self._here(warehouse))
        if more <= 0:
            return
        self.counters += [Counter(warehouse) for _ in range(more)]
        here = self._here(warehouse)
        targets = split_evenly(sum(counter.available for counter in here), len(here))
        for counter, target in zip(here, targets, strict=True):
            counter.received += target - counter.available
            counter.available = target

    def receive(self, quantity: int, warehouse: str) -> None:
        """Add pieces in a warehouse."""
        self.split(1, warehouse)
        here = self._here(warehouse)
        for counter, pieces in zip(here, split_evenly(quantity, len(here)), strict=True):
            counter.available += pieces
            counter.received += pieces

    def write_off(self, quantity: int, warehouse: str) -> None:
        """Remove pieces that are available in a warehouse. Raises Refused when too few are."""
        here = self._here(warehouse)
        available = [counter.available for counter in here]
        chosen = choose_counters(quantity, available, range(len(here)))
        if chosen is None:
            where = "" if warehouse == MAIN else f" in {warehouse}"
            raise Refused(f"{self.sku} has {sum(available)} pieces available{where}, fewer than {quantity}")
        for number, pieces in chosen:
            here[number].available -= pieces
            here[number].received -= pieces

    def level(self) -> StockLevel:
        """The SKU's level, in all and by warehouse."""
        by_place: dict[str, list[Counter]] = {}
        for counter in self.counters:
            by_place.setdefault(counter.warehouse, []).append(counter)
        return StockLevel(
            sku=self.sku,
            **_totals(self.counters),
            price_minor=self.price_minor,
            currency=self.currency,
            counters=len(self.counters),
            places=tuple(PlaceLevel(place, **_totals(its)) for place, its in by_place.items()),
        )

    def _here(self, warehouse: str) -> list[Counter]:
        return [counter for counter in self.counters if counter.warehouse == warehouse]


def _totals(counters: Iterable[Counter]) -> dict[str, int]:
    known = list(counters)
    return {
        name: sum(getattr(counter, name) for counter in known)
        for name in ("available", "reserved", "sold", "received")
    }
