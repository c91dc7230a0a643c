"""Orders that arrive: authorised at the provider and submitted to the order API as checkout does it, without the clicking."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import text

from orders.adapters.payments import make_provider
from orders.adapters.payments.test_cards import TestToken
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.errors import Unavailable
from orders.domain.ids import OrderId, Sku, order_number
from orders.ports import AttemptStatus, PaymentAttempt
from tests.e2e.conftest import RunningShop
from tests.order_samples import order_body
from webapp.clients.order_api import SignedOrderApi

AT_ONCE = 2
PATIENCE_SECONDS = 300.0
"""How long an order is sent again. A shop that has just opened starts its Lambdas with the first orders; where the processors
are busy, that takes longer than one call's time budget, and each call that was given up is still being worked on."""


def arrive(
    shop: RunningShop, email: str, lines: Mapping[Sku, int], *, token: str = TestToken.APPROVE, name: str = ""
) -> OrderId:
    """One order, accepted by the order API; the worker records it next."""
    prices = prices_of(shop, list(lines))
    body = order_body([(sku, count, prices[sku]) for sku, count in lines.items()])
    order_id, total = OrderId(body["order_id"]), body["total_minor"]
    key = f"{order_id}:authorise:1"
    held = make_provider(shop.settings, shop.engine).authorise(
        order_id=order_id,
        amount_minor=total,
        currency="EUR",
        token=token,
        idempotency_key=key,
        return_url=shop.url,
    )
    attempt = PaymentAttempt(
        key,
        order_id,
        "authorise",
        "test",
        held.reference,
        total,
        "EUR",
        AttemptStatus.SUCCEEDED,
        datetime.now(UTC),
    )
    with SqlOrderBook(shop.engine).transaction() as tx:
        tx.add_attempt(attempt)
    body["payment"] = {"provider": "test", "reference": held.reference, "amount_minor": total}
    body["contact"] |= {"email": email, "name": name or "Ada Lovelace"}
    _submit(SignedOrderApi(shop.settings), order_id, json.dumps(body))
    return order_id


def _submit(api: SignedOrderApi, order_id: OrderId, body: str) -> None:
    """As a shopper who presses the button again: the order id makes it one order."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            api.submit(order_id, body)
            return
        except Unavailable:
            if time.monotonic() > deadline:
                raise


def arrive_many(shop: RunningShop, email: str, baskets: Sequence[Mapping[Sku, int]]) -> list[OrderId]:
    """Many orders, a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda basket: arrive(shop, email, basket), baskets))


def prices_of(shop: RunningShop, skus: Sequence[Sku]) -> Mapping[Sku, int]:
    """The shop's prices, as the truth of stock has them."""
    return {sku: level.price_minor for sku, level in shop.inventory.levels(skus).items()}


def well_stocked(shop: RunningShop, count: int, pieces: int) -> list[Sku]:
    """SKUs of which there is enough, cheapest first."""
    levels = [level for level in shop.inventory.all_levels() if level.available >= pieces]
    return [level.sku for level in sorted(levels, key=lambda level: (level.price_minor, level.sku))[:count]]


def numbers(orders: Sequence[OrderId]) -> list[str]:
    """The numbers that people read."""
    return [order_number(order_id) for order_id in orders]


def is_quiet(shop: RunningShop, email: str, count: int) -> bool:
    """Whether these orders are on record and nothing is on its way any more: no promised effect, no message."""
    with shop.engine.connect() as connection:
        recorded = connection.scalar(
            text("SELECT count(*) FROM orders WHERE lower(email) = :email"), {"email": email.lower()}
        )
        waiting = connection.scalar(text("SELECT count(*) FROM outbox"))
    return recorded == count and waiting == 0
