"""Random lives of orders: whatever happens in whatever order, the promises hold at every step and at the end."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from lambdas.notify_customer.rendering import JinjaRenderer
from orders.domain.errors import OrderRefused, Refused, Unavailable
from orders.domain.events import Actor
from orders.domain.ids import Sku
from orders.domain.order import OrderStatus
from orders.domain.request import OrderRequest
from orders.services.cancel_order import cancel_order
from orders.services.edit_order import edit_order
from orders.services.hold_order import hold_order, release_order
from orders.services.refund_order import Refund, refund_order
from orders.services.return_order import decide_return, receive_return, request_return
from orders.services.ship_order import Parcel, deliver_order, ship_order, start_picking
from tests.shop_in_memory import TTL_SECONDS, MemoryShop

STAFF = Actor("staff", "grace")
SHOPPER = Actor("shopper", "ada")
MUG, TEA = Sku("MUG-RED"), Sku("TEA")
RENDERER = JinjaRenderer("Shop", "https://shop.example")
PRICES = {MUG: 1250, TEA: 333}

pieces = st.integers(1, 3)
command_ids = st.integers(1, 4).map(lambda number: f"command-{number}")


class LifeOfAnOrder(RuleBasedStateMachine):
    """Shoppers, staff, the sweeper, the worker and the relay act in any order; messages and answers get lost and repeated."""

    orders: Bundle[OrderRequest] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.shop = MemoryShop()
        self.shop.stock(MUG, 12, PRICES[MUG])
        self.shop.stock(TEA, 9, PRICES[TEA])
        self.versions: dict[str, int] = {}

    def attempt(self, action: Any, *arguments: Any, **options: Any) -> None:
        """Do something that may be refused; a refusal and "not now" are answers, every other error is a bug."""
        with contextlib.suppress(Refused, Unavailable):
            action(self.shop.desk, *arguments, **options)

    # --- what shoppers do

    @rule(target=orders, mugs=st.integers(0, 4), teas=st.integers(0, 4))
    def place(self, mugs: int, teas: int) -> Any:
        """Buy something; the shelf may be too empty."""
        wanted = [(sku, count, PRICES[sku]) for sku, count in ((MUG, mugs), (TEA, teas)) if count]
        try:
            return self.shop.place(*wanted) if wanted else multiple()
        except OrderRefused:
            return multiple()

    @rule(order=orders)
    def submit_again(self, order: OrderRequest) -> None:
        """A double click, a lost reply."""
        self.shop.submit(order)

    @rule(order=orders, command_id=command_ids, actor=st.sampled_from([STAFF, SHOPPER]))
    def cancel(self, order: OrderRequest, command_id: str, actor: Actor) -> None:
        """Cancel, early or too late."""
        self.attempt(cancel_order, order.order_id, command_id=f"{order.order_id}{command_id}", actor=actor)

    @rule(order=orders, number=st.integers(1, 2), count=pieces, sku=st.sampled_from([MUG, TEA]))
    def ask_to_return(self, order: OrderRequest, number: int, count: int, sku: Sku) -> None:
        """Send something back."""
        self.attempt(
            request_return,
            order.order_id,
            {sku: count},
            return_id=f"{order.order_id}-r{number}",
            actor=SHOPPER,
            reason="too big",
        )

    @rule(order=orders, command_id=command_ids, mugs=st.integers(0, 3), teas=st.integers(0, 3))
    def edit(self, order: OrderRequest, command_id: str, mugs: int, teas: int) -> None:
        """Take some pieces off the order."""
        known = {line.sku for line in order.lines}
        wanted = {sku: count for sku, count in ((MUG, mugs), (TEA, teas)) if sku in known}
        self.attempt(
            edit_order, order.order_id, wanted, command_id=f"{order.order_id}{command_id}e", actor=SHOPPER
        )

    # --- what the staff do

    @rule(order=orders, command_id=command_ids, is_stopped=st.booleans())
    def pick(self, order: OrderRequest, command_id: str, is_stopped: bool) -> None:
        """Begin to pick, or stop."""
        command_id = f"{order.order_id}{command_id}p"
        self.attempt(start_picking, order.order_id, command_id=command_id, actor=STAFF, is_stopped=is_stopped)

    @rule(order=orders, number=st.integers(1, 3), count=pieces, sku=st.sampled_from([MUG, TEA, None]))
    def ship(self, order: OrderRequest, number: int, count: int, sku: Sku | None) -> None:
        """Send a parcel with some pieces, or with all that is left."""
        parcel = Parcel({sku: count} if sku else {})
        self.attempt(
            ship_order, order.order_id, parcel, shipment_id=f"{order.order_id}-s{number}", actor=STAFF
        )

    @rule(order=orders, command_id=command_ids)
    def deliver(self, order: OrderRequest, command_id: str) -> None:
        """The parcel arrived."""
        self.attempt(deliver_order, order.order_id, command_id=f"{order.order_id}{command_id}d", actor=STAFF)

    @rule(
        order=orders,
        command_id=command_ids,
        count=st.integers(0, 3),
        sku=st.sampled_from([MUG, TEA]),
        amount=st.sampled_from([0, 0, 1, 500, 5000]),
        with_shipping=st.booleans(),
    )
    def refund(
        self,
        order: OrderRequest,
        command_id: str,
        count: int,
        sku: Sku,
        amount: int,
        with_shipping: bool,
    ) -> None:
        """Pay something back."""
        wanted = Refund({sku: count} if count else {}, with_shipping, amount)
        self.attempt(
            refund_order, order.order_id, wanted, command_id=f"{order.order_id}{command_id}f", actor=STAFF
        )

    @rule(order=orders, number=st.integers(1, 2), is_approved=st.booleans())
    def decide(self, order: OrderRequest, number: int, is_approved: bool) -> None:
        """Approve or reject a return."""
        self.attempt(
            decide_return,
            order.order_id,
            return_id=f"{order.order_id}-r{number}",
            actor=STAFF,
            is_approved=is_approved,
        )

    @rule(order=orders, number=st.integers(1, 2), back=st.integers(0, 2), off=st.integers(0, 2))
    def receive(self, order: OrderRequest, number: int, back: int, off: int) -> None:
        """A returned parcel arrives."""
        return_id = f"{order.order_id}-r{number}"
        known = self.shop.book.tables.returns.get(return_id)
        sku = next(iter(known.lines)) if known else MUG
        self.attempt(
            receive_return,
            order.order_id,
            return_id=return_id,
            actor=STAFF,
            restocked={sku: back},
            written_off={sku: off},
        )

    @rule(order=orders, command_id=command_ids, is_held=st.booleans())
    def hold_or_release(self, order: OrderRequest, command_id: str, is_held: bool) -> None:
        """Stop an order, let it go."""
        key = f"{order.order_id}{command_id}{is_held}"
        if is_held:
            self.attempt(hold_order, order.order_id, command_id=key, actor=STAFF, hold_reason="manual")
        else:
            self.attempt(release_order, order.order_id, command_id=key, actor=STAFF)

    # --- what the machinery does, and what goes wrong with it

    @rule(is_forgotten=st.booleans())
    def work(self, is_forgotten: bool) -> None:
        """The worker takes one message; a crash may come before it is deleted."""
        self.shop.run_next(is_forgotten=is_forgotten)

    @rule(limit=st.integers(1, 8), is_repeated=st.booleans())
    def relay(self, limit: int, is_repeated: bool) -> None:
        """The relay delivers some effects; a crash may come before they are deleted."""
        self.shop.deliver_effects(limit, is_repeated=is_repeated)

    @rule()
    def lose_an_answer(self) -> None:
        """The provider's next answer does not arrive."""
        self.shop.provider.lose_next = 1

    @rule(order=orders)
    def lose_the_message(self, order: OrderRequest) -> None:
        """The order's message vanishes from the queue; only the reservation knows of it."""
        held = self.shop.queues.queues["orders"]._held
        for number, message in list(held.items()):
            if f'"record_order:{order.order_id}"' in message.message.body:
                del held[number]

    @rule(seconds=st.sampled_from([1, 30, TTL_SECONDS + 1]))
    def time_passes(self, seconds: int) -> None:
        """Messages come back, reservations run out."""
        self.shop.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        """The sweeper runs."""
        self.shop.sweep()

    # --- the promises

    @invariant()
    def stock_is_conserved(self) -> None:
        """I1, at every step."""
        for level in self.shop.inventory.all_levels():
            assert level.is_conserved, level

    @invariant()
    def postings_balance(self) -> None:
        """I5: debits are credits, and nobody is paid back more than was taken."""
        for posting in self.shop.book.tables.ledger.values():
            assert sum(entry.amount_minor for entry in posting.entries) == 0
        for charge in self.shop.provider.charges():
            assert 0 <= charge.refunded_minor <= charge.captured_minor <= charge.amount_minor

    @invariant()
    def versions_only_grow(self) -> None:
        """I6: no order ever goes back."""
        for order_id, record in self.shop.book.tables.orders.items():
            assert record.state.version >= self.versions.get(order_id, 0)
            self.versions[order_id] = record.state.version

    def teardown(self) -> None:
        """When everything has come to rest, the doctor finds nothing, and no promise is left open."""
        self.shop.provider.lose_next = 0
        self.shop.clock.advance(TTL_SECONDS + 1)
        self.shop.sweep()
        self.shop.run_until_idle()
        self.shop.requeue_quarantined()
        self.shop.run_until_idle()
        assert self.shop.quarantined == []
        assert self.shop.findings() == []
        for told in self.shop.topic.published:
            assert RENDERER.email(told).text, told
            assert RENDERER.sms(told), told
        for record in self.shop.book.tables.orders.values():
            charge = next(
                c for c in self.shop.provider.charges() if c.reference == record.request.payment.reference
            )
            if record.state.order in {OrderStatus.CANCELLED, OrderStatus.EXPIRED}:
                assert charge.captured_minor == charge.refunded_minor, record


LifeOfAnOrder.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLifeOfAnOrder = LifeOfAnOrder.TestCase
