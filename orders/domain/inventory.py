"""Stock: the four numbers of a counter, the movements between them, and the choice among split counters.

For every counter, at every read: received = available + reserved + sold, and none is negative (promise I1).
DynamoDB applies a movement with conditions derived from the same numbers; this module is the rule itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orders.domain.errors import Refused
from orders.domain.ids import OrderId, Sku

MAIN = "main"
"""The warehouse of every counter, line and movement that names none: the only one of most shops."""

LOW_PIECES = 5
"""A SKU of which at most so many can still be sold is running low: the lists of the console and of the worker agree."""


class MovementKind(StrEnum):
    """The kinds of stock movement; with an id they make the marker that applies each once."""

    RESTOCK = "restock"
    ADJUST = "adjust"
    RESERVE = "reserve"
    RELEASE = "release"
    SHIP = "ship"
    TAKE_BACK = "take_back"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A delivery, a correction or a transfer, as it was applied: `pieces` more of a SKU, or fewer when negative.

    A transfer between warehouses adds nothing: its `pieces` are 0.
    """

    id: str
    sku: Sku
    pieces: int
    at: datetime


class ReservationState(StrEnum):
    """The life of a reservation: only RESERVED may expire; only the holder of stock may ship it."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PlaceLevel:
    """The stock of one SKU in one warehouse, in pieces, summed over its counters there."""

    warehouse: str
    available: int
    reserved: int
    sold: int
    received: int

    @property
    def on_hand(self) -> int:
        """Pieces that lie there: available and reserved."""
        return self.available + self.reserved


@dataclass(frozen=True, slots=True)
class StockLevel:
    """The stock of one SKU in pieces, summed over its counters, with the price that orders must name.

    `places` are the same pieces by warehouse, in the order of the counters.
    """

    sku: Sku
    available: int
    reserved: int
    sold: int
    received: int
    price_minor: int
    currency: str
    counters: int = 1
    places: tuple[PlaceLevel, ...] = ()

    def at(self, warehouse: str) -> PlaceLevel:
        """The level in one warehouse: nothing where the SKU never was."""
        return next(
            (place for place in self.places if place.warehouse == warehouse),
            PlaceLevel(warehouse, 0, 0, 0, 0),
        )

    @property
    def is_conserved(self) -> bool:
        """Promise I1 for this SKU."""
        return (
            self.received == self.available + self.reserved + self.sold
            and min(self.available, self.reserved, self.sold) >= 0
        )


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """Pieces of one SKU reserved on one of its counters, and so in the warehouse of that counter, for one order.

    `shipped` of them left the house and `returned` of those came back, both counted up and never down.
    """

    sku: Sku
    quantity: int
    unit_price_minor: int
    counter: int = 0
    shipped: int = 0
    returned: int = 0
    warehouse: str = MAIN

    @property
    def held(self) -> int:
        """Pieces still reserved, as long as the reservation holds stock at all."""
        return self.quantity - self.shipped


def preferred_counter(order_id: OrderId, sku: Sku, counters: int) -> int:
    """The counter that an order tries first: spread evenly, and the same on every retry of the order."""
    return zlib.crc32(f"{order_id}/{sku}".encode()) % counters


def counter_order(order_id: OrderId, sku: Sku, counters: int) -> list[int]:
    """All counters of a SKU in the order in which this order tries them."""
    first = preferred_counter(order_id, sku, counters)
    return [(first + step) % counters for step in range(counters)]


def choose_counters(
    quantity: int, available: Sequence[int], preference: Sequence[int]
) -> list[tuple[int, int]] | None:
    """Where `quantity` pieces come from, as (counter, pieces), or None when the counters of `preference` have too few.

    One counter that has them all is chosen before several, in the order of `preference`; the last pieces of a
    SKU may lie on many counters and are then taken from the fullest first.
    """
    for counter in preference:
        if available[counter] >= quantity:
            return [(counter, quantity)]
    if sum(available[counter] for counter in preference) < quantity:
        return None
    chosen, missing = [], quantity
    for counter in sorted(preference, key=lambda c: -available[c]):
        taken = min(missing, available[counter])
        if taken > 0:
            chosen.append((counter, taken))
            missing -= taken
    return chosen


def split_evenly(quantity: int, counters: int) -> Sequence[int]:
    """How a restock of `quantity` pieces spreads over a SKU's counters."""
    each, rest = divmod(quantity, counters)
    return [each + (1 if index < rest else 0) for index in range(counters)]


def choose_lines(
    lines: Sequence[ReservedLine],
    wanted: Mapping[Sku, int],
    movable: Callable[[ReservedLine], int],
    warehouse: str = "",
) -> list[tuple[ReservedLine, int]]:
    """Which pieces of which reserved lines make up what is wanted, those that lie in `warehouse` first.

    Raises Refused for more than is movable.
    """
    near_first = sorted(lines, key=lambda line: line.warehouse != warehouse)
    moves = []
    for sku, quantity in wanted.items():
        missing = quantity
        for line in near_first:
            pieces = min(missing, movable(line)) if line.sku == sku else 0
            if pieces > 0:
                moves.append((line, pieces))
                missing -= pieces
        if missing or quantity <= 0:
            raise Refused(f"{quantity} pieces of {sku} cannot be moved; the order has {quantity - missing}")
    return moves
