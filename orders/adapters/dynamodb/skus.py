"""SKUs: their head, their counters, the price that all counters share, and how a SKU is split over more of them."""

from __future__ import annotations

from collections.abc import Sequence

from orders.adapters.dynamodb.heads import MAX_COUNTERS, Heads
from orders.adapters.dynamodb.items import HEAD, in_warehouse, milliseconds, places_of, stock_key
from orders.adapters.dynamodb.table import Action, Deadline, Table, TransactionCancelled
from orders.domain.errors import NotFound, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, split_evenly
from orders.ports import Clock

_SET_UP = (
    "SET #sku = :sku, #counter = :counter, #price_minor = :price, #currency = :currency, #updated_at = :now, "
    "#available = if_not_exists(#available, :zero), #reserved = if_not_exists(#reserved, :zero), "
    "#sold = if_not_exists(#sold, :zero), #received = if_not_exists(#received, :zero)"
)
_SHIFT = "SET #available = #available + :pieces, #received = #received + :pieces, #updated_at = :now"


class Skus:
    """Setting up, pricing and splitting."""

    def __init__(self, inventory: Table, heads: Heads, clock: Clock) -> None:
        self._inventory = inventory
        self._heads = heads
        self._clock = clock

    def set_up(self, sku: Sku, price_minor: int, currency: str, counters: int, warehouse: str) -> None:
        """Make a SKU known, or price and split a known one further in a warehouse. It never loses a counter that it has."""
        if not 1 <= counters <= MAX_COUNTERS:
            raise Refused(f"a SKU has 1 to {MAX_COUNTERS} counters")
        here: list[int] = []
        more = 0

        def plan() -> list[Action]:
            nonlocal here, more
            head = self._inventory.get(f"{HEAD}{sku}")
            before = places_of(head) if head else ()
            more = max(0, counters - before.count(warehouse))
            places = (*before, *(warehouse,) * more)
            _check_room(sku, places)
            here = [n for n, place in enumerate(places) if place == warehouse]
            now = milliseconds(self._clock.now())
            return [
                self._head(sku, places, len(before), now),
                *(self._counter(sku, n, place, price_minor, currency, now) for n, place in enumerate(places)),
            ]

        self._inventory.transact_planned(plan)
        self._heads.forget(sku)
        if more and len(here) > more:
            self._spread(sku, here)

    def open_in(self, sku: Sku, warehouse: str) -> None:
        """Give a known SKU its first counter in a warehouse, at the price of the others. Raises NotFound."""

        def plan() -> list[Action]:
            found = self._inventory.get_many([f"{HEAD}{sku}", stock_key(sku, 0)])
            if len(found) < 2:
                raise NotFound(f"no SKU {sku}")
            before, first = places_of(found[f"{HEAD}{sku}"]), found[stock_key(sku, 0)]
            if warehouse in before:
                return []
            _check_room(sku, (*before, warehouse))
            now = milliseconds(self._clock.now())
            price, currency = first["price_minor"], first["currency"]
            return [
                self._head(sku, (*before, warehouse), len(before), now),
                self._inventory.change(
                    stock_key(sku, 0),
                    "SET #updated_at = :now",
                    "#price_minor = :price AND #currency = :currency",
                    price=price,
                    currency=currency,
                    now=now,
                ),
                self._counter(sku, len(before), warehouse, price, currency, now),
            ]

        self._inventory.transact_planned(plan)
        self._heads.forget(sku)

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """Price all counters together, so that no two orders pay two prices for one SKU. Raises NotFound."""
        deadline = Deadline()
        while True:
            head = self._inventory.get(f"{HEAD}{sku}")
            if head is None:
                raise NotFound(f"no SKU {sku}")
            places, now = places_of(head), milliseconds(self._clock.now())
            actions = [self._head(sku, places, len(places), now)]
            actions += [
                self._inventory.change(
                    stock_key(sku, n),
                    "SET #price_minor = :price, #updated_at = :now",
                    "attribute_exists(#pk)",
                    price=price_minor,
                    now=now,
                )
                for n in range(len(places))
            ]
            try:
                self._inventory.transact(actions, deadline)
                return
            except TransactionCancelled as cancelled:
                if not cancelled.reasons[0].is_condition:
                    raise NotFound(f"no stock of SKU {sku}") from cancelled
            # A counter came meanwhile, and it has to have the new price too.
            deadline.back_off()

    def _head(self, sku: Sku, places: Sequence[str], before: int, now: int) -> Action:
        """Write which counter lies where, unless their number is no longer `before`. Counters are only ever added."""
        update = "SET #sku = :sku, #counters = :counters, #updated_at = :now"
        condition = "#counters = :before" if before else "attribute_not_exists(#pk)"
        values = {"sku": sku, "counters": len(places), "now": now, **({"before": before} if before else {})}
        if set(places) != {MAIN}:
            update += ", #warehouses = :warehouses"
            values["warehouses"] = list(places)
        return self._inventory.change(f"{HEAD}{sku}", update, condition, **values)

    def _counter(
        self, sku: Sku, counter: int, warehouse: str, price_minor: int, currency: str, now: int
    ) -> Action:
        return self._inventory.change(
            stock_key(sku, counter),
            _SET_UP if warehouse == MAIN else f"{_SET_UP}, #warehouse = :warehouse",
            sku=sku,
            counter=counter,
            price=price_minor,
            currency=currency,
            now=now,
            zero=0,
            **in_warehouse(warehouse),
        )

    def _spread(self, sku: Sku, counters: Sequence[int]) -> None:
        """Even out what these counters of one warehouse have: pieces that all lie on the old ones would make every order find an empty one.

        A piece that changes its counter is received there and no longer here, so each counter keeps promise I1.
        """
        keys = [stock_key(sku, n) for n in counters]

        def plan() -> list[Action]:
            found = self._inventory.get_many(keys)
            available = [found[key]["available"] for key in keys]
            targets = split_evenly(sum(available), len(keys))
            now = milliseconds(self._clock.now())
            return [
                self._inventory.change(
                    key, _SHIFT, "#available = :seen", pieces=target - has, seen=has, now=now
                )
                for key, target, has in zip(keys, targets, available, strict=True)
                if target != has
            ]

        self._inventory.transact_planned(plan)


def _check_room(sku: Sku, places: Sequence[str]) -> None:
    if len(places) > MAX_COUNTERS:
        raise Refused(f"{sku} has {MAX_COUNTERS} counters in all its warehouses, and no room for one more")
