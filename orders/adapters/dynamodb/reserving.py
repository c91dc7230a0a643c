"""Reserving stock: one transaction per order, planned over split counters, refused with every line that is at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orders.adapters.dynamodb.heads import Heads
from orders.adapters.dynamodb.items import (
    Item,
    milliseconds,
    reservation_item,
    reservation_of,
    stock_key,
)
from orders.adapters.dynamodb.table import Action, Deadline, Reason, Table, TransactionCancelled
from orders.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    LineRefusal,
    OrderRefused,
    Problem,
    RefusalReason,
)
from orders.domain.ids import Sku
from orders.domain.inventory import ReservedLine, choose_counters, counter_order, preferred_counter
from orders.domain.request import MAX_LINES
from orders.ports import Reservation

_TAKE = "SET #available = #available - :quantity, #reserved = #reserved + :quantity, #updated_at = :now"
_IF_SO = "#available >= :quantity AND #price_minor = :price AND #currency = :currency"


class Reserving:
    """The reservation of whole orders."""

    def __init__(self, inventory: Table, tracking: Table, heads: Heads) -> None:
        self._inventory = inventory
        self._tracking = tracking
        self._heads = heads

    def reserve(self, wanted: Reservation, tracking_item: Item) -> Reservation:
        """See ports.InventoryStore.reserve."""
        deadline = Deadline()
        counters = self._heads.counters_of(line.sku for line in wanted.lines)
        lines = _first_choice(wanted, counters)
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
            counters |= self._heads.read(failed)
            lines = self._next_choice(wanted, lines, failed, counters)
            # The counters changed between the plan and the write: somebody else is buying the same.
            deadline.back_off()

    def _actions(self, placed: Reservation, tracking_item: Item) -> list[Action]:
        now = milliseconds(placed.accepted_at)
        return [
            self._inventory.put_if_absent(reservation_item(placed)),
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
        return reservation_of(item)

    def _next_choice(
        self,
        wanted: Reservation,
        lines: Sequence[ReservedLine],
        seen: Mapping[Sku, Item | None],
        counters: Mapping[str, int],
    ) -> tuple[ReservedLine, ...]:
        """A new plan around the counters that were short. Raises OrderRefused when there is none for some line."""
        stock = self._stock_of(seen, counters)
        chosen: dict[str, list[tuple[int, int]]] = {}
        refusals: list[LineRefusal] = []
        for index, line in enumerate(wanted.lines):
            if line.sku not in seen:
                continue
            found = stock[line.sku]
            if found and found[0]["currency"] != wanted.currency:
                detail = f"{line.sku} is sold in {found[0]['currency']}"
                raise InvalidRequest([Problem("/currency", detail), Problem(f"/lines/{index}/sku", detail)])
            refusal, choice = _judge(wanted, line, found, counters[line.sku])
            if refusal is not None:
                refusals.append(refusal)
            else:
                chosen[line.sku] = choice
        if not refusals:
            plan = _replan(wanted, lines, chosen)
            if len(plan) <= MAX_LINES:
                return plan
            # More counters than one transaction takes: what lies scattered cannot be had together.
            refusals = [
                _short(line, stock[line.sku]) for line in wanted.lines if len(chosen.get(line.sku, ())) > 1
            ]
        raise OrderRefused(refusals)

    def _stock_of(
        self, seen: Mapping[Sku, Item | None], counters: Mapping[str, int]
    ) -> dict[Sku, list[Item]]:
        """The counters of each SKU that failed; an empty list for an unknown SKU."""
        split = [sku for sku in seen if counters[sku] > 1]
        keys = [stock_key(sku, counter) for sku in split for counter in range(counters[sku])]
        items = self._inventory.get_many(keys) if keys else {}
        stock: dict[Sku, list[Item]] = {}
        for sku, item in seen.items():
            if counters[sku] > 1:
                found = [items.get(stock_key(sku, counter)) for counter in range(counters[sku])]
                stock[sku] = [each for each in found if each is not None]
            else:
                stock[sku] = [item] if item is not None else []
            if not stock[sku]:
                self._heads.forget(sku)
        return stock


def _first_choice(wanted: Reservation, counters: Mapping[str, int]) -> tuple[ReservedLine, ...]:
    return tuple(
        replace(line, counter=preferred_counter(wanted.order_id, line.sku, counters[line.sku]))
        for line in wanted.lines
    )


def _judge(
    wanted: Reservation, line: ReservedLine, stock: Sequence[Item], counters: int
) -> tuple[LineRefusal | None, list[tuple[int, int]]]:
    """Why a line cannot be had, or else the counters that have its pieces."""
    if not stock:
        return LineRefusal(line.sku, RefusalReason.UNKNOWN_SKU, line.quantity), []
    prices = {item["price_minor"] for item in stock}
    if prices != {line.unit_price_minor}:
        left = sum(item["available"] for item in stock)
        price = next(iter(prices - {line.unit_price_minor}))
        return LineRefusal(line.sku, RefusalReason.PRICE_CHANGED, line.quantity, left, price), []
    available = [0] * counters
    for item in stock:
        available[item["counter"]] = item["available"]
    choice = choose_counters(line.quantity, available, counter_order(wanted.order_id, line.sku, counters))
    return (None, choice) if choice else (_short(line, stock), [])


def _short(line: ReservedLine, stock: Sequence[Item]) -> LineRefusal:
    left = sum(item["available"] for item in stock)
    return LineRefusal(line.sku, RefusalReason.OUT_OF_STOCK, line.quantity, left, line.unit_price_minor)


def _replan(
    wanted: Reservation, lines: Sequence[ReservedLine], chosen: Mapping[str, list[tuple[int, int]]]
) -> tuple[ReservedLine, ...]:
    """The lines of the next attempt: those that were short on their new counters, the others where they were."""
    plan: list[ReservedLine] = []
    for line in wanted.lines:
        if line.sku in chosen:
            plan += [replace(line, counter=counter, quantity=pieces) for counter, pieces in chosen[line.sku]]
        else:
            plan += [each for each in lines if each.sku == line.sku]
    return tuple(plan)
