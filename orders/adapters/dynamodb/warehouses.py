"""The shop's list of warehouses: one item, read when an order's goods lie in several places and remembered for a short while."""

from __future__ import annotations

import time
from collections.abc import Sequence

from orders.adapters.dynamodb.heads import REMEMBERED_SECONDS
from orders.adapters.dynamodb.table import Table
from orders.domain.warehouses import ONLY_MAIN, Warehouse, order_of_choice

_KEY = "WAREHOUSES"


class Warehouses:
    """The list, in the shop's order of preference. Threads may share it: the worst race reads it twice."""

    def __init__(self, inventory: Table) -> None:
        self._inventory = inventory
        self._known: tuple[Warehouse, ...] = ()
        self._known_until = 0.0

    def read(self) -> tuple[Warehouse, ...]:
        """The list as it stands; the main warehouse alone when the shop never wrote one."""
        item = self._inventory.get(_KEY)
        if item is None:
            return ONLY_MAIN
        return tuple(
            Warehouse(each["code"], each["name"], tuple(each["countries"])) for each in item["warehouses"]
        )

    def write(self, warehouses: Sequence[Warehouse]) -> None:
        """Put the whole list in place of the one before."""
        lines = [
            {"code": each.code, "name": each.name, "countries": list(each.countries)} for each in warehouses
        ]
        self._inventory.put({"pk": _KEY, "warehouses": lines})
        self._known_until = 0.0

    def order_of_choice(self, country: str) -> tuple[str, ...]:
        """Which place an order to this country tries first, second and so on."""
        if time.monotonic() >= self._known_until:
            self._known, self._known_until = self.read(), time.monotonic() + REMEMBERED_SECONDS
        return order_of_choice(self._known, country)
