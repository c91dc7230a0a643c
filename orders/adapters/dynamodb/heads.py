"""The counters of each SKU, by their warehouses: read from the head items and remembered for a short while."""

from __future__ import annotations

import time
from collections.abc import Iterable

from orders.adapters.dynamodb.items import HEAD, places_of
from orders.adapters.dynamodb.table import Table
from orders.domain.inventory import MAIN

REMEMBERED_SECONDS = 30.0
"""A SKU is split over more counters perhaps once in its life; until this has passed a process may not use the new ones."""
MAX_COUNTERS = 64
"""A price change touches every counter of a SKU in one transaction, and DynamoDB takes 100 items in one."""
_MOST_REMEMBERED = 50_000


class Heads:
    """A small cache of one process. Threads may share it: the worst race reads a head twice."""

    def __init__(self, inventory: Table) -> None:
        self._inventory = inventory
        self._known: dict[str, tuple[tuple[str, ...], float]] = {}

    def places_of(self, skus: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The warehouse of each counter, per SKU; one counter for a SKU without a head, which the write itself will refuse."""
        now = time.monotonic()
        wanted = list(dict.fromkeys(skus))
        places = {}
        missing = []
        for sku in wanted:
            known = self._known.get(sku)
            if known and known[1] > now:
                places[sku] = known[0]
            else:
                missing.append(sku)
        if missing:
            places |= self._read(missing, is_consistent=False)
        return places

    def read(self, skus: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The same, asked anew: before a refusal, for whoever remembers too few counters has not seen all the stock."""
        return self._read(list(skus), is_consistent=True)

    def forget(self, sku: str) -> None:
        """Read the head again next time."""
        self._known.pop(sku, None)

    def _read(self, skus: list[str], *, is_consistent: bool) -> dict[str, tuple[str, ...]]:
        heads = self._inventory.get_many([f"{HEAD}{sku}" for sku in skus], consistent=is_consistent)
        found = {head["sku"]: places_of(head) for head in heads.values()}
        if len(self._known) > _MOST_REMEMBERED:
            self._known.clear()
        until = time.monotonic() + REMEMBERED_SECONDS
        self._known.update({sku: (places, until) for sku, places in found.items()})
        return {sku: found.get(sku, (MAIN,)) for sku in skus}
