"""Warehouses: the places where stock lies, and the rule that says from which of them an order is sent.

The rule is the one of the trade: as few parcels as possible, from the place that is nearest. A shop with one place never
meets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orders.domain.errors import Refused
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN, choose_counters, counter_order

MOST_WAREHOUSES = 20
_CODE = re.compile(r"[a-z][a-z0-9-]{0,15}")


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place that sends parcels. `countries` are the ones (ISO 3166-1 alpha-2) that it is the first choice for."""

    code: str
    name: str
    countries: tuple[str, ...] = ()


ONLY_MAIN = (Warehouse(MAIN, "Main warehouse"),)
"""What a shop has that never named a place."""


def is_warehouse_code(text: str) -> bool:
    """A small letter, then at most fifteen small letters, digits and hyphens: it is part of addresses and files."""
    return _CODE.fullmatch(text) is not None


def checked_list(warehouses: Sequence[Warehouse]) -> tuple[Warehouse, ...]:
    """A list that a shop may have: it names the main warehouse, each code once, and no more than MOST_WAREHOUSES. Raises Refused."""
    codes = [each.code for each in warehouses]
    if MAIN not in codes:
        raise Refused(f"the warehouse {MAIN} stays: stock that names no place lies there")
    if len(set(codes)) < len(codes):
        raise Refused("two warehouses have the same code")
    if len(codes) > MOST_WAREHOUSES:
        raise Refused(f"a shop has at most {MOST_WAREHOUSES} warehouses")
    for code in codes:
        if not is_warehouse_code(code):
            raise Refused(
                f"“{code}” is no code: a small letter, then small letters, digits and hyphens, 16 at most"
            )
    return tuple(warehouses)


def order_of_choice(warehouses: Iterable[Warehouse], country: str) -> tuple[str, ...]:
    """The codes in the order in which an order to this country tries them: its own first, else as the shop lists them."""
    known = tuple(warehouses)
    near = [each.code for each in known if country in each.countries]
    return (*near, *(each.code for each in known if country not in each.countries))


@dataclass(frozen=True, slots=True)
class SkuStock:
    """What can be sold of one SKU, counter by counter: the warehouse of each and the pieces available on it."""

    places: Sequence[str]
    available: Sequence[int]

    def at(self, warehouse: str) -> int:
        """Pieces available in one warehouse."""
        return sum(
            pieces for place, pieces in zip(self.places, self.available, strict=True) if place == warehouse
        )


def allocate(
    order_id: OrderId, wanted: Mapping[Sku, int], stock: Mapping[Sku, SkuStock], choice: Sequence[str]
) -> dict[Sku, list[tuple[int, int]]] | None:
    """Where each SKU's pieces come from, as (counter, pieces), or None when there are too few of some SKU in all places together.

    The place that has the most lines whole sends them, then the one with the most of the rest (the greedy set cover:
    few parcels, not always the fewest); among equals the first of `choice`. A line that no place has whole is taken from
    the fullest places. Places that `choice` does not name come last.
    """
    order = (*choice, *sorted({place for each in stock.values() for place in each.places} - set(choice)))
    chosen: dict[Sku, list[tuple[int, int]]] = {}
    left = dict(wanted)
    while left:
        whole = {
            place: [sku for sku in left if sku in stock and stock[sku].at(place) >= left[sku]]
            for place in order
        }
        best = max(order, key=lambda place: len(whole[place]), default=None)
        if best is None or not whole[best]:
            break
        for sku in whole[best]:
            chosen[sku] = _take(order_id, sku, left.pop(sku), stock[sku], best)
    for sku, quantity in left.items():
        scattered = _gather(order_id, sku, quantity, stock.get(sku), order)
        if scattered is None:
            return None
        chosen[sku] = scattered
    return chosen


def _take(order_id: OrderId, sku: Sku, quantity: int, stock: SkuStock, place: str) -> list[tuple[int, int]]:
    """Pieces that one place has, from its counters."""
    tried = [c for c in counter_order(order_id, sku, len(stock.places)) if stock.places[c] == place]
    return choose_counters(quantity, stock.available, tried) or []


def _gather(
    order_id: OrderId, sku: Sku, quantity: int, stock: SkuStock | None, order: Sequence[str]
) -> list[tuple[int, int]] | None:
    """Pieces that only several places have together, from the fullest first."""
    chosen, missing = [], quantity
    for place in sorted(order, key=lambda each: -stock.at(each) if stock else 0):
        pieces = min(missing, stock.at(place)) if stock else 0
        if stock and pieces > 0:
            chosen += _take(order_id, sku, pieces, stock, place)
            missing -= pieces
    return chosen if missing == 0 else None
