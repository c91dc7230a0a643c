"""Promises I1 and I4 at a flash sale: more buyers than pieces, all at once, through the service over the real stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from orders.domain.errors import OrderRefused, RefusalReason
from orders.domain.ids import Sku
from tests.integration.order_path.conftest import MUG, PRICE_MINOR, LiveShop, another_buyer
from tests.order_samples import order_body

T = TypeVar("T")
BUYERS, PIECES, SALES = 64, 50, 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def at_once(buyers: Sequence[Callable[[], T]]) -> list[T | OrderRefused]:
    """Start all at the same moment; returns what each got, or its refusal."""
    gate = threading.Barrier(len(buyers))

    def buy(buyer: Callable[[], T]) -> T | OrderRefused:
        gate.wait(60)
        try:
            return buyer()
        except OrderRefused as refusal:
            return refusal

    with ThreadPoolExecutor(len(buyers)) as pool:
        return list(pool.map(buy, buyers))


def test_fifty_pieces_go_to_exactly_fifty_buyers_in_twenty_sales_of_twenty(live_shop: LiveShop) -> None:
    """The other fourteen are told that nothing is left; every other sale has its SKU split over four counters."""
    # Two points of view, as two Lambda containers have: neither knows what the other has just read.
    containers = [live_shop, another_buyer(live_shop)]
    for sale in range(SALES):
        sku = Sku(f"FLASH-{sale}")
        live_shop.stock(PIECES, sku, counters=4 if sale % 2 else 1)
        bodies = [order_body([(sku, 1, PRICE_MINOR)]) for _ in range(BUYERS)]
        outcomes = at_once(
            [lambda n=number, body=body: containers[n % 2].submit(body) for number, body in enumerate(bodies)]
        )
        refused = [each for each in outcomes if isinstance(each, OrderRefused)]
        assert len(outcomes) - len(refused) == PIECES, f"sale {sale}"
        assert {line.reason for each in refused for line in each.lines} == {RefusalReason.OUT_OF_STOCK}
        level = live_shop.inventory.levels([sku])[sku]
        assert (level.available, level.reserved, level.received) == (0, PIECES, PIECES), f"sale {sale}"


def test_a_sold_out_sale_is_recorded_to_the_last_order_and_the_doctor_is_content(live_shop: LiveShop) -> None:
    """From the rush through the real queue and a worker in burst mode into the book: fifty sales, no more, all paid."""
    live_shop.stock(PIECES)
    bodies = [live_shop.body() for _ in range(BUYERS)]
    outcomes = at_once([lambda body=body: live_shop.submit(body) for body in bodies])
    accepted = {each.reservation.order_id for each in outcomes if not isinstance(each, OrderRefused)}
    assert len(accepted) == PIECES
    live_shop.work()
    diagnosis = live_shop.diagnosis()
    assert diagnosis.is_healthy, diagnosis.all
    assert diagnosis.look.orders.keys() == accepted
    paid = {charge.order_id for charge in diagnosis.look.charges if charge.captured_minor}
    assert paid == accepted


def test_eight_retries_with_the_same_key_are_one_order(live_shop: LiveShop) -> None:
    """A shopper who clicks eight times, and takes the last piece: one order, one answer, one charge."""
    live_shop.stock(1)
    body = live_shop.body()
    answers = at_once([lambda: live_shop.submit(body)] * 8)
    accepted = [each for each in answers if not isinstance(each, OrderRefused)]
    assert len(accepted) == 8
    assert len({each.reservation.accepted_at for each in accepted}) == 1
    assert not all(each.is_replay for each in accepted)
    live_shop.work()
    diagnosis = live_shop.diagnosis()
    assert diagnosis.is_healthy, diagnosis.all
    assert len(diagnosis.look.orders) == 1
    assert live_shop.inventory.levels([MUG])[MUG].reserved == 1
