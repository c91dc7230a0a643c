"""SKUs: their head, their counters, the price that all counters share, and how a SKU is split over more of them."""

from __future__ import annotations

from orders.adapters.dynamodb.heads import MAX_COUNTERS, Heads
from orders.adapters.dynamodb.items import HEAD, milliseconds, stock_key
from orders.adapters.dynamodb.table import Action, Deadline, Table, TransactionCancelled
from orders.domain.errors import NotFound, Refused
from orders.domain.ids import Sku
from orders.domain.inventory import split_evenly
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

    def set_up(self, sku: Sku, price_minor: int, currency: str, counters: int) -> None:
        """Make a SKU known, or price and split a known one further. It never loses a counter that it has."""
        if not 1 <= counters <= MAX_COUNTERS:
            raise Refused(f"a SKU has 1 to {MAX_COUNTERS} counters")
        head = self._inventory.get(f"{HEAD}{sku}")
        before = head["counters"] if head else 0
        number = max(counters, before)
        now = milliseconds(self._clock.now())
        update = "SET #sku = :sku, #counters = :counters, #updated_at = :now"
        actions = [self._inventory.change(f"{HEAD}{sku}", update, sku=sku, counters=number, now=now)]
        actions += [self._counter(sku, n, price_minor, currency, now) for n in range(number)]
        self._inventory.transact(actions, Deadline())
        self._heads.forget(sku)
        if 0 < before < number:
            self._spread(sku, number)

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """Price all counters together, so that no two orders pay two prices for one SKU. Raises NotFound."""
        head = self._inventory.get(f"{HEAD}{sku}")
        if head is None:
            raise NotFound(f"no SKU {sku}")
        now = milliseconds(self._clock.now())
        update = "SET #price_minor = :price, #updated_at = :now"
        actions = [
            self._inventory.change(
                stock_key(sku, n), update, "attribute_exists(#pk)", price=price_minor, now=now
            )
            for n in range(head["counters"])
        ]
        try:
            self._inventory.transact(actions, Deadline())
        except TransactionCancelled as cancelled:
            raise NotFound(f"no stock of SKU {sku}") from cancelled

    def _counter(self, sku: Sku, counter: int, price_minor: int, currency: str, now: int) -> Action:
        return self._inventory.change(
            stock_key(sku, counter),
            _SET_UP,
            sku=sku,
            counter=counter,
            price=price_minor,
            currency=currency,
            now=now,
            zero=0,
        )

    def _spread(self, sku: Sku, counters: int) -> None:
        """Even out what is available: pieces that all lie on the old counters would make every order find an empty one.

        A piece that changes its counter is received there and no longer here, so each counter keeps promise I1.
        """
        deadline = Deadline()
        keys = [stock_key(sku, n) for n in range(counters)]
        while True:
            found = self._inventory.get_many(keys)
            available = [found[key]["available"] for key in keys]
            moves = [
                (key, target - has, has)
                for key, target, has in zip(
                    keys, split_evenly(sum(available), counters), available, strict=True
                )
                if target != has
            ]
            if not moves:
                return
            now = milliseconds(self._clock.now())
            actions = [
                self._inventory.change(key, _SHIFT, "#available = :seen", pieces=pieces, seen=seen, now=now)
                for key, pieces, seen in moves
            ]
            try:
                self._inventory.transact(actions, deadline)
                return
            except TransactionCancelled:
                # Somebody bought meanwhile; what is available is counted again.
                deadline.back_off()
