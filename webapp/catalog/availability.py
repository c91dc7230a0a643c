"""Stock as pages show it: levels from the truth of stock, remembered as long as they can be true, honest when unknown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

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
PLENTY = 20
USABLE_FOR_SECONDS = 60.0
"""A page that only looks may say "in stock" of at least this many pieces for this long, while they are looked at anew."""
SHARED_FOR_SECONDS = 1.0
"""Whoever is about to pay for a piece of which there are PLENTY shares a look of this second with the others: the reservation
decides, and where few are left each asks for themselves."""
GATHER_SECONDS = 0.25
MOST_GATHERED = 40
"""Levels that are due are asked for together, with two keys each: one request takes a hundred (BatchGetItem)."""
PAUSE_AFTER_FAILURE_SECONDS = 3.0
"""While the store is away, pages do not wait for it one after the other."""
MOST_CACHED = 20_000
FEW_LEFT = 5
"""From how many pieces on a page says "3 left"."""


def fresh_for_seconds(level: StockLevel | None) -> float:
    """How long a look at a level stays true enough for a page."""
    pieces = level.available if level is not None else 0
    return min(max(FRESH_FOR_SECONDS, pieces / PIECES_PER_SECOND), LONGEST_FRESH_SECONDS)


@dataclass(frozen=True, slots=True)
class _Look:
    """A level as it was seen (None: the store does not know the SKU), and until when it may be shown."""

    level: StockLevel | None
    seen_at: float
    fresh_until: float
    usable_until: float


class Availability:
    """A short memory of stock levels, one per process. Thread-safe."""

    def __init__(self, inventory: InventoryStore, now: Callable[[], float] | None = None) -> None:
        self._inventory = inventory
        self._now = now or time.monotonic
        self._known: dict[str, _Look] = {}
        self._due: dict[str, float] = {}
        """Since when a level that was shown is to be looked at anew, the longest due first."""
        self._away_until = 0.0
        self._lock = threading.Lock()

    def levels(
        self, skus: Iterable[str], *, fresh: bool = False, is_glance: bool = False
    ) -> Mapping[str, StockLevel] | None:
        """The levels of the known SKUs among these, or None when the store is away: then nothing is claimed.

        `fresh` is for before paying: a look of this second does where there is plenty, otherwise the store is asked.
        `is_glance` is for a page that only looks: where there is plenty it shows what was seen up to USABLE_FOR_SECONDS
        ago, and such looks are renewed together.
        """
        wanted = list(dict.fromkeys(skus))
        now = self._now()
        with self._lock:
            held = {sku: self._known[sku] for sku in wanted if sku in self._known}
            missing = [
                sku for sku in wanted if not _may_show(held.get(sku), now, fresh=fresh, is_glance=is_glance)
            ]
            for sku in held.keys() - set(missing):
                if now > held[sku].fresh_until:
                    self._due.setdefault(sku, now)
            is_away = now < self._away_until
            also = [] if is_away else self._take_due(now, missing)
        if missing and is_away:
            return None
        asked = self._ask([*missing, *also]) if missing or also else {}
        if asked is None:
            if missing:
                return None
            asked = {}
        levels = {
            sku: look.level for sku, look in held.items() if look.level is not None and sku not in missing
        }
        return {**levels, **{sku: level for sku, level in asked.items() if sku in wanted}}

    def _take_due(self, now: float, missing: list[str]) -> list[str]:
        """What is asked for along with the missing: all that is due, once it waited long enough or a request is made anyway."""
        if not self._due:
            return []
        if (
            not missing
            and len(self._due) < MOST_GATHERED
            and now - next(iter(self._due.values())) < GATHER_SECONDS
        ):
            return []
        taken = [sku for sku in list(self._due)[:MOST_GATHERED] if sku not in missing]
        for sku in (*taken, *missing):
            self._due.pop(sku, None)
        for sku in taken:
            # Whoever looks while the answer is on its way does not ask for the same again.
            if (look := self._known.get(sku)) is not None:
                self._known[sku] = replace(look, fresh_until=now + FRESH_FOR_SECONDS)
        return taken

    def _ask(self, skus: list[str]) -> dict[str, StockLevel] | None:
        try:
            found = self._inventory.levels(Sku(sku) for sku in skus)
        except Unavailable as error:
            log.warning("stock_unknown", extra={"reason": str(error)[:200]})
            with self._lock:
                self._away_until = self._now() + PAUSE_AFTER_FAILURE_SECONDS
            return None
        now = self._now()
        with self._lock:
            self._away_until = 0.0
            if len(self._known) > MOST_CACHED:
                self._known.clear()
            for sku in skus:
                self._known[sku] = _look(found.get(Sku(sku)), now)
        return {str(sku): level for sku, level in found.items()}


def _look(level: StockLevel | None, now: float) -> _Look:
    fresh_until = now + fresh_for_seconds(level)
    has_plenty = level is not None and level.available >= PLENTY
    return _Look(level, now, fresh_until, now + USABLE_FOR_SECONDS if has_plenty else fresh_until)


def _may_show(look: _Look | None, now: float, *, fresh: bool, is_glance: bool) -> bool:
    if look is None:
        return False
    if fresh:
        has_plenty = look.level is not None and look.level.available >= PLENTY
        return has_plenty and now <= look.seen_at + SHARED_FOR_SECONDS
    return now <= (look.usable_until if is_glance else look.fresh_until)
