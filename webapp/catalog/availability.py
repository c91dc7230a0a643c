"""Stock as pages show it: levels from the truth of stock, remembered as long as they can be true, honest when unknown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping

from orders.domain.errors import Unavailable
from orders.domain.ids import Sku
from orders.domain.inventory import StockLevel
from orders.ports import InventoryStore

log = logging.getLogger(__name__)

FRESH_FOR_SECONDS = 1.5
PIECES_PER_SECOND = 5
LONGEST_FRESH_SECONDS = 20.0
"""How old a level on a page may be: "3 left" is soon untrue, "in stock" with two hundred pieces is not. The order itself is
checked by the reservation, not by this."""
PAUSE_AFTER_FAILURE_SECONDS = 3.0
"""While the store is away, pages do not wait for it one after the other."""
MOST_CACHED = 20_000
FEW_LEFT = 5
"""From how many pieces on a page says "3 left"."""


def fresh_for_seconds(level: StockLevel | None) -> float:
    """How long a look at a level stays true enough for a page."""
    pieces = level.available if level is not None else 0
    return min(max(FRESH_FOR_SECONDS, pieces / PIECES_PER_SECOND), LONGEST_FRESH_SECONDS)


class Availability:
    """A short memory of stock levels, one per process. Thread-safe."""

    def __init__(self, inventory: InventoryStore) -> None:
        self._inventory = inventory
        self._known: dict[str, tuple[float, StockLevel | None]] = {}
        self._away_until = 0.0
        self._lock = threading.Lock()

    def levels(self, skus: Iterable[str], *, fresh: bool = False) -> Mapping[str, StockLevel] | None:
        """The levels of the known SKUs among these, or None when the store is away: then nothing is claimed.

        `fresh` asks the store whatever is remembered: before paying.
        """
        wanted = list(dict.fromkeys(skus))
        now = time.monotonic()
        with self._lock:
            held = {sku: self._known[sku] for sku in wanted if sku in self._known}
            is_away = now < self._away_until
        missing = [sku for sku in wanted if fresh or sku not in held or now > held[sku][0]]
        if missing and is_away:
            return None
        asked = self._ask(missing) if missing else {}
        if asked is None:
            return None
        levels = {sku: level for sku, (_, level) in held.items() if level is not None and sku not in missing}
        return {**levels, **asked}

    def _ask(self, skus: list[str]) -> dict[str, StockLevel] | None:
        try:
            found = self._inventory.levels(Sku(sku) for sku in skus)
        except Unavailable as error:
            log.warning("stock_unknown", extra={"reason": str(error)[:200]})
            with self._lock:
                self._away_until = time.monotonic() + PAUSE_AFTER_FAILURE_SECONDS
            return None
        now = time.monotonic()
        with self._lock:
            self._away_until = 0.0
            if len(self._known) > MOST_CACHED:
                self._known.clear()
            for sku in skus:
                level = found.get(Sku(sku))
                self._known[sku] = (now + fresh_for_seconds(level), level)
        return {str(sku): level for sku, level in found.items()}
