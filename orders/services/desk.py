"""What every use case of the order book works with."""

from __future__ import annotations

from dataclasses import dataclass

from orders.ports import Clock, OrderBook
from orders.settings import Settings


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """The book, the clock and the settings; made once per program."""

    book: OrderBook
    clock: Clock
    settings: Settings
