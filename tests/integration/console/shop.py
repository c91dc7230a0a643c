"""A shop with orders in it, made the way that orders are made: submitted, recorded, captured by the core's own use cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine, delete

from orders.adapters.memory.inventory import MemoryInventory
from orders.adapters.memory.payments import MemoryPayments
from orders.adapters.rds.models import Outbox
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain.events import Actor
from orders.domain.ids import OrderId, Sku, new_order_id
from orders.domain.pricing import TaxRule
from orders.domain.request import (
    Address,
    Contact,
    LineRequest,
    OrderRequest,
    PaymentChoice,
    ShippingChoice,
)
from orders.ports import OrderRecord
from orders.services.capture_payment import capture_payment
from orders.services.desk import OrderDesk
from orders.services.record_order import AcceptedOrder, record_orders
from orders.settings import Settings
from webapp.console.permissions import Role

AsRole = Callable[[Role], FlaskClient]
"""Signs a member of staff with a role in."""
STAFF = Actor("staff", "somebody@shop.example")
MUG, BOWL = Sku("MUG-BLUE"), Sku("BOWL-OAK")
PRICES = {MUG: 1990, BOWL: 3450}


@dataclass
class FixedClock:
    """A clock that stands still until it is told otherwise."""

    at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The time that was set."""
        return self.at


@dataclass
class Shop:
    """The desk and the provider of a test's shop."""

    desk: OrderDesk
    payments: MemoryPayments
    inventory: MemoryInventory
    engine: Engine

    def place(
        self,
        lines: dict[Sku, int] | None = None,
        *,
        name: str = "Anna Schmidt",
        email: str = "anna@example.com",
        country: str = "DE",
        is_captured: bool = True,
    ) -> OrderId:
        """Place an order and let it be confirmed and, unless told otherwise, captured."""
        request = self.request(lines or {MUG: 2, BOWL: 1}, name=name, email=email, country=country)
        record_orders(
            self.desk, [AcceptedOrder(f"record:{request.order_id}", request, self.desk.clock.now(), "f" * 32)]
        )
        self.deliver(request.order_id)
        if is_captured:
            capture_payment(
                self.desk, lambda _: self.payments, request.order_id, f"capture:{request.order_id}:1"
            )
        return request.order_id

    def deliver(self, order_id: OrderId) -> None:
        """The worker's relay delivered what was promised for this order: its outbox rows are gone."""
        with self.engine.begin() as connection:
            connection.execute(delete(Outbox).where(Outbox.order_id == UUID(order_id)))

    def request(self, lines: dict[Sku, int], *, name: str, email: str, country: str) -> OrderRequest:
        """A request that adds up, its payment authorised."""
        order_id = new_order_id(datetime.now(UTC))
        tax = TaxRule("DE-19", 190_000, is_inclusive=True)
        total = sum(PRICES[sku] * count for sku, count in lines.items()) + 490
        held = self.payments.authorise(
            order_id=order_id,
            amount_minor=total,
            currency="EUR",
            token="fine",
            idempotency_key=f"authorise:{order_id}",
            return_url="",
        )
        address = Address(name, "Lindenweg 4", "", "10115", "Berlin", "", country)
        return OrderRequest(
            order_id=order_id,
            currency="EUR",
            lines=tuple(
                LineRequest(sku, count, PRICES[sku], sku.replace("-", " ").title())
                for sku, count in lines.items()
            ),
            contact=Contact(name, email, "+4915112345678", wants_sms=True),
            shipping_address=address,
            billing_address=address,
            shipping=ShippingChoice("standard", "Standard delivery", 490),
            tax=tax,
            payment=PaymentChoice("memory", held.reference, total),
            total_minor=total,
        )

    def read(self, order_id: OrderId) -> OrderRecord:
        """The order as the book has it now."""
        with self.desk.book.transaction() as tx:
            found = tx.get_order(order_id)
        assert found is not None
        return found


def open_shop(engine: Engine, inventory: MemoryInventory) -> Shop:
    """A shop over a database engine."""
    desk = OrderDesk(SqlOrderBook(engine), FixedClock(datetime.now(UTC)), Settings())
    return Shop(desk, MemoryPayments(), inventory, engine)
