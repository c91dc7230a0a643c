"""What every use case of the order book works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from orders.ports import Clock, HoldRules, OrderBook, OrderRecord
from orders.settings import Settings


class NoHolds:
    """HoldRules that let every order go ahead."""

    def reasons(self, record: OrderRecord) -> Sequence[str]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """The book, the clock, the settings and the rules that hold orders; made once per program."""

    book: OrderBook
    clock: Clock
    settings: Settings
    holds: HoldRules = field(default_factory=NoHolds)
