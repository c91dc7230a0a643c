"""Stock: the four numbers of a counter, the movements between them, and the choice among split counters.

For every counter, at every read: received = available + reserved + sold, and none is negative (promise I1).
DynamoDB applies a movement with conditions derived from the same numbers; this module is the rule itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orders.domain.ids import OrderId, Sku

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


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A delivery or a correction, as it was applied: `pieces` more of a SKU, or fewer when negative."""

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
class StockLevel:
    """The stock of one SKU in pieces, summed over its counters, with the price that orders must name."""

    sku: Sku
    available: int
    reserved: int
    sold: int
    received: int
    price_minor: int
    currency: str
    counters: int = 1

    @property
    def is_conserved(self) -> bool:
        """Promise I1 for this SKU."""
        return (
            self.received == self.available + self.reserved + self.sold
            and min(self.available, self.reserved, self.sold) >= 0
        )


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """Pieces of one SKU reserved on one of its counters for one order.

    `shipped` of them left the house and `returned` of those came back, both counted up and never down.
    """

    sku: Sku
    quantity: int
    unit_price_minor: int
    counter: int = 0
    shipped: int = 0
    returned: int = 0

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
    """Where `quantity` pieces come from, as (counter, pieces), or None when all counters together have too few.

    One counter that has them all is chosen before several, in the order of `preference`; the last pieces of a
    SKU may lie on many counters and are then taken from the fullest first.
    """
    for counter in preference:
        if available[counter] >= quantity:
            return [(counter, quantity)]
    if sum(available) < quantity:
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
