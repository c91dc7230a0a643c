"""Reserving stock: one transaction per order, planned over split counters, refused with every line that is at fault."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from orders.adapters.dynamodb.heads import Heads
from orders.adapters.dynamodb.items import (
    Item,
    is_refusal,
    milliseconds,
    order_key,
    refusal_item,
    refusals_of,
    reservation_item,
    reservation_of,
    stock_key,
)
from orders.adapters.dynamodb.table import (
    Action,
    ConditionFailed,
    Deadline,
    Reason,
    Table,
    TransactionCancelled,
)
from orders.adapters.dynamodb.warehouses import Warehouses
from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    LineRefusal,
    OrderRefused,
    Problem,
    RefusalReason,
)
from orders.domain.ids import Sku
from orders.domain.inventory import ReservedLine, counter_order
from orders.domain.request import MAX_LINES
from orders.domain.warehouses import SkuStock, allocate
from orders.ports import Reservation

Places = tuple[str, ...]
"""The warehouse of each counter of a SKU."""

_IF_NEW = "attribute_not_exists(#pk) OR #refused_attempt < :attempt"
"""Nothing stands there but the refusal of an earlier attempt."""
_IF_NO_ORDER = "attribute_not_exists(#pk) OR #refused_attempt <= :attempt"
_TAKE = "SET #available = #available - :quantity, #reserved = #reserved + :quantity, #updated_at = :now"
_IF_SO = "#available >= :quantity AND #price_minor = :price AND #currency = :currency"


class Reserving:
    """The reservation of whole orders."""

    def __init__(self, inventory: Table, tracking: Table, heads: Heads, warehouses: Warehouses) -> None:
        self._inventory = inventory
        self._tracking = tracking
        self._heads = heads
        self._warehouses = warehouses

    def reserve(self, wanted: Reservation, tracking_item: Item) -> Reservation:
        """See ports.InventoryStore.reserve."""
        deadline = Deadline()
        places = self._heads.places_of(line.sku for line in wanted.lines)
        lines = _first_choice(wanted, places, self._order_of_choice(wanted, places))
        while True:
            placed = replace(wanted, lines=lines)
            try:
                self._inventory.transact(self._actions(placed, tracking_item), deadline)
                return placed
            except TransactionCancelled as cancelled:
                order, tracking, *stock = cancelled.reasons
            if order.is_condition:
                return self._stored(wanted, order)
            if tracking.is_condition:
                raise IdempotencyConflict("this order id was used before and its reservation is gone")
            failed = {
                line.sku: reason.item
                for line, reason in zip(lines, stock, strict=True)
                if reason.is_condition
            }
            places |= self._heads.read(failed)
            lines = self._next_choice(wanted, lines, failed, places)
            # The counters changed between the plan and the write: somebody else is buying the same.
            deadline.back_off()

    def refuse_for_good(self, wanted: Reservation, refusals: Sequence[LineRefusal]) -> Reservation | None:
        """See ports.InventoryStore.refuse_for_good."""
        try:
            self._inventory.put(refusal_item(wanted, refusals), _IF_NO_ORDER, attempt=wanted.attempt)
        except ConditionFailed as failed:
            item = failed.item or self._inventory.get(order_key(wanted.order_id))
            return reservation_of(item) if item is not None and not is_refusal(item) else None
        return None

    def _order_of_choice(self, wanted: Reservation, places: Mapping[str, Places]) -> tuple[str, ...]:
        """The warehouses in the order in which this order tries them; only who has goods in two of them asks."""
        known = {place for each in places.values() for place in each}
        return self._warehouses.order_of_choice(wanted.destination) if len(known) > 1 else tuple(known)

    def _actions(self, placed: Reservation, tracking_item: Item) -> list[Action]:
        now = milliseconds(placed.accepted_at)
        return [
            self._inventory.put_if(reservation_item(placed), _IF_NEW, attempt=placed.attempt),
            self._tracking.put_if_absent(tracking_item),
            *(
                self._inventory.change(
                    stock_key(line.sku, line.counter),
                    _TAKE,
                    _IF_SO,
                    quantity=line.quantity,
                    price=line.unit_price_minor,
                    currency=placed.currency,
                    now=now,
                )
                for line in placed.lines
            ),
        ]

    def _stored(self, wanted: Reservation, reason: Reason) -> Reservation:
        item = reason.item or self._inventory.get(reservation_item(wanted)["pk"])
        if item is None:
            raise IdempotencyConflict("this order id was used before and its reservation is gone")
        if is_refusal(item):
            raise OrderRefused(refusals_of(item), is_final=True)
        return reservation_of(item)

    def _next_choice(
        self,
        wanted: Reservation,
        lines: Sequence[ReservedLine],
        failed: Mapping[Sku, Item | None],
        places: Mapping[str, Places],
    ) -> tuple[ReservedLine, ...]:
        """A new plan around the counters that were short. Raises OrderRefused when there is none for some line.

        An order whose goods may come from several warehouses is planned anew as a whole: it shall not fall apart
        into more parcels than it needs.
        """
        choice = self._order_of_choice(wanted, places)
        again = {line.sku for line in wanted.lines if len(choice) > 1 or line.sku in failed}
        stock = self._stock_of(again, failed, places)
        refusals: list[LineRefusal] = []
        for index, line in enumerate(wanted.lines):
            found = stock.get(line.sku, ())
            if found and found[0]["currency"] != wanted.currency:
                detail = f"{line.sku} is sold in {found[0]['currency']}"
                raise InvalidRequest([Problem("/currency", detail), Problem(f"/lines/{index}/sku", detail)])
            if line.sku in again and (refusal := _judge(line, found)) is not None:
                refusals.append(refusal)
        if not refusals:
            pieces = {line.sku: line.quantity for line in wanted.lines if line.sku in again}
            available = {sku: _sellable(stock[sku], places[sku]) for sku in pieces}
            chosen = allocate(wanted.order_id, pieces, available, choice) or {}
            plan = _replan(wanted, lines, chosen, places)
            if chosen and len(plan) <= MAX_LINES:
                return plan
            # More counters than one transaction takes: what lies scattered cannot be had together.
            refusals = [
                _short(line, stock[line.sku]) for line in wanted.lines if len(chosen.get(line.sku, ())) > 1
            ]
        raise OrderRefused(refusals)

    def _stock_of(
        self, skus: Collection[Sku], failed: Mapping[Sku, Item | None], places: Mapping[str, Places]
    ) -> dict[Sku, list[Item]]:
        """The counters of each SKU; an empty list for an unknown one. The write told those of a SKU with one counter that failed."""
        told = {sku: item for sku, item in failed.items() if len(places[sku]) == 1}
        keys = [
            stock_key(sku, counter) for sku in skus if sku not in told for counter in range(len(places[sku]))
        ]
        items = self._inventory.get_many(keys) if keys else {}
        stock: dict[Sku, list[Item]] = {}
        for sku in skus:
            read = (items.get(stock_key(sku, counter)) for counter in range(len(places[sku])))
            stock[sku] = [each for each in ([told[sku]] if sku in told else read) if each is not None]
            if not stock[sku]:
                self._heads.forget(sku)
        return stock


def _first_choice(
    wanted: Reservation, places: Mapping[str, Places], choice: Sequence[str]
) -> tuple[ReservedLine, ...]:
    """A plan without a look at the stock: the first place that keeps every SKU, and the counter that the order prefers there."""
    whole = [place for place in choice if all(place in places[line.sku] for line in wanted.lines)]
    order = (*whole[:1], *choice)
    return tuple(_first_counter(wanted, line, places[line.sku], order) for line in wanted.lines)


def _first_counter(
    wanted: Reservation, line: ReservedLine, places: Places, order: Sequence[str]
) -> ReservedLine:
    home = next((place for place in order if place in places), places[0])
    tried = counter_order(wanted.order_id, line.sku, len(places))
    return replace(line, counter=next(n for n in tried if places[n] == home), warehouse=home)


def _judge(line: ReservedLine, stock: Sequence[Item]) -> LineRefusal | None:
    """Why a line cannot be had, if so."""
    if not stock:
        return LineRefusal(line.sku, RefusalReason.UNKNOWN_SKU, line.quantity)
    prices = {item["price_minor"] for item in stock}
    left = sum(item["available"] for item in stock)
    if prices != {line.unit_price_minor}:
        price = next(iter(prices - {line.unit_price_minor}))
        return LineRefusal(line.sku, RefusalReason.PRICE_CHANGED, line.quantity, left, price)
    return _short(line, stock) if left < line.quantity else None


def _short(line: ReservedLine, stock: Sequence[Item]) -> LineRefusal:
    left = sum(item["available"] for item in stock)
    return LineRefusal(line.sku, RefusalReason.OUT_OF_STOCK, line.quantity, left, line.unit_price_minor)


def _sellable(stock: Sequence[Item], places: Places) -> SkuStock:
    available = [0] * len(places)
    for item in stock:
        available[item["counter"]] = item["available"]
    return SkuStock(places, available)


def _replan(
    wanted: Reservation,
    lines: Sequence[ReservedLine],
    chosen: Mapping[Sku, list[tuple[int, int]]],
    places: Mapping[str, Places],
) -> tuple[ReservedLine, ...]:
    """The lines of the next attempt: those that were chosen anew on their new counters, the others where they were."""
    plan: list[ReservedLine] = []
    for line in wanted.lines:
        if line.sku in chosen:
            plan += [
                replace(line, counter=counter, quantity=pieces, warehouse=places[line.sku][counter])
                for counter, pieces in chosen[line.sku]
            ]
        else:
            plan += [each for each in lines if each.sku == line.sku]
    return tuple(plan)
