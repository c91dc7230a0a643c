"""A whole shop in memory for tests: the workbench of the worker, with the order API's services in front of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from orders.adapters.memory.payments import MemoryPayments
from orders.doctor.checks import Finding, examine
from orders.doctor.snapshot import LineFacts, OrderFacts, ProviderFacts, Snapshot
from orders.domain.errors import OutcomeUnknown
from orders.domain.ids import OrderId, Sku
from orders.domain.request import OrderRequest
from orders.ports import OrderRecord, PaymentResult
from orders.services.submit_order import submit_order
from orders.services.sweep import sweep
from tests.order_samples import order_request
from worker.testing import Workbench

TTL_SECONDS = 3600


class ForgetfulPayments(MemoryPayments):
    """A provider that does what it is asked, and loses its answer when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.lose_next = 0
        self.meanwhile: Callable[[], object] | None = None
        """What happens in the shop while a capture is on its way; once."""

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See MemoryPayments."""
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        result = super().capture(
            reference=reference, amount_minor=amount_minor, idempotency_key=idempotency_key
        )
        self._maybe_lose()
        return result

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """See MemoryPayments."""
        result = super().void(reference=reference, idempotency_key=idempotency_key)
        self._maybe_lose()
        return result

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """See MemoryPayments."""
        result = super().refund(
            reference=reference, amount_minor=amount_minor, idempotency_key=idempotency_key
        )
        self._maybe_lose()
        return result

    def _maybe_lose(self) -> None:
        if self.lose_next:
            self.lose_next -= 1
            raise OutcomeUnknown("the answer was lost")

    def charges(self) -> list[ProviderFacts]:
        """The provider's own books."""
        return [
            ProviderFacts(
                reference,
                "",
                "voided" if payment.is_voided else "authorised",
                payment.result.amount_minor,
                payment.captured_minor,
                payment.refunded_minor,
            )
            for reference, payment in self._payments.items()
        ]


class MemoryShop(Workbench):
    """Orders are placed as checkout and the order API place them, and checked as the doctor checks them."""

    def __init__(self) -> None:
        self.provider = ForgetfulPayments()
        super().__init__(payments=self.provider)

    def stock(self, sku: str, quantity: int, price_minor: int = 1250) -> None:
        """Put pieces on the shelf."""
        self.inventory.set_up_sku(Sku(sku), price_minor, "EUR")
        self.inventory.restock(Sku(sku), quantity, f"restock-{sku}-{quantity}")

    def place(self, *lines: tuple[str, int, int], token: str = "card") -> OrderRequest:  # noqa: S107
        """Authorise and submit an order for (SKU, quantity, unit price) lines."""
        draft = order_request(lines or (("MUG-RED", 2, 1250),))
        held = self.provider.authorise(
            order_id=draft.order_id,
            amount_minor=draft.total_minor,
            currency="EUR",
            token=token,
            idempotency_key=f"{draft.order_id}:authorise",
            return_url="https://shop.example/return",
        )
        payment = {"provider": "test", "reference": held.reference, "amount_minor": draft.total_minor}
        request = order_request(lines or (("MUG-RED", 2, 1250),), order_id=draft.order_id, payment=payment)
        self.submit(request)
        return request

    def submit(self, request: OrderRequest) -> None:
        """Submit an order, again if need be."""
        submit_order(
            request,
            inventory=self.inventory,
            queue=self.queues,
            clock=self.clock,
            currency="EUR",
            reservation_ttl_seconds=TTL_SECONDS,
            correlation_id="c" * 32,
        )

    def sweep(self) -> None:
        """What the sweep Lambda does."""
        sweep(inventory=self.inventory, queue=self.queues, clock=self.clock, sweep_after_seconds=0)

    def record(self, order_id: OrderId) -> OrderRecord:
        """The order in the book."""
        with self.book.transaction() as tx:
            record = tx.get_order(order_id)
        assert record is not None
        return record

    def findings(self) -> list[Finding]:
        """What the doctor finds, every promise checked."""
        return examine(self.snapshot())

    def snapshot(self) -> Snapshot:
        """The stores as the doctor reads them."""
        tables = self.book.tables
        return Snapshot(
            taken_at=self.clock.now(),
            levels={level.sku: level for level in self.inventory.all_levels()},
            reservations={found.order_id: found for found in self.inventory.all_reservations()},
            tracking={
                order_id: view
                for order_id in tables.orders
                if (view := self.tracking.get(order_id)) is not None
            },
            orders={order_id: self._facts(record) for order_id, record in tables.orders.items()},
            charges=self.provider.charges(),
            outbox_waiting=len(tables.outbox),
            outbox_orders=frozenset(row.order_id for row in tables.outbox.values()),
        )

    def _facts(self, record: OrderRecord) -> OrderFacts:
        totals, order_id = record.priced.totals, record.order_id
        with self.book.transaction() as tx:
            postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
            for posting in tx.postings(order_id):
                postings[posting.key] += [(str(e.account), e.amount_minor) for e in posting.entries]
            return OrderFacts(
                id=order_id,
                state=record.state,
                currency=record.request.currency,
                total_minor=totals.total_minor,
                subtotal_minor=totals.subtotal_minor,
                shipping_minor=totals.shipping_minor,
                shipping_tax_minor=record.priced.shipping.tax_minor,
                tax_minor=totals.tax_minor,
                discount_minor=totals.discount_minor,
                tax_is_inclusive=record.request.tax.is_inclusive,
                tax_rate_ppm=record.request.tax.rate_ppm,
                updated_at=self.book.tables.updated[order_id],
                is_edited=False,
                lines=[_line(record, index) for index in range(len(record.request.lines))],
                postings=postings,
                events=[(event.version, event.type) for event in tx.events(order_id)],
                attempts=tx.attempts(order_id),
            )


def _line(record: OrderRecord, index: int) -> LineFacts:
    line, priced = record.request.lines[index], record.priced.lines[index]
    counts = record.counts_of(line.sku)
    return LineFacts(
        sku=line.sku,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        discount_minor=priced.discount_minor,
        net_minor=priced.net_minor,
        tax_minor=priced.tax_minor,
        shipped=counts.shipped,
        returned=counts.returned,
        restocked=counts.restocked,
        cancelled=counts.cancelled,
    )
