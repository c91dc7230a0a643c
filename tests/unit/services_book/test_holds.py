"""Holds: by risk rules when an order comes in, of an order or of lines, by hand and for a time, and what ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders.adapters.memory.clock import MemoryClock
from orders.adapters.memory.order_book import MemoryOrderBook
from orders.domain.errors import InvalidRequest
from orders.domain.events import Actor, EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.order import FulfilmentStatus, OrderStatus
from orders.domain.risk import RiskKind, RiskRule
from orders.ports import OrderRecord
from orders.services.desk import OrderDesk
from orders.services.hold_order import hold_lines, hold_order, release_due, release_lines, release_order
from orders.services.record_order import AcceptedOrder, record_orders
from orders.services.ship_order import Parcel, add_tracking, deliver_parcel, free_to_ship, ship_order
from orders.settings import Settings
from tests.order_samples import NOON, order_request

STAFF = Actor("staff", "clerk@example.org")
MUG, TEA = Sku("MUG-RED"), Sku("TEA")
LINES = ((MUG, 2, 1250), (TEA, 1, 333))


class Bench:
    """A desk over a book in memory."""

    def __init__(self) -> None:
        self.clock = MemoryClock(NOON)
        self.book = MemoryOrderBook()
        self.desk = OrderDesk(self.book, self.clock, Settings())

    def place(self, count: int = 1) -> list[OrderId]:
        """Orders of one shopper in one batch; their stock is confirmed at once."""
        accepted = []
        for _ in range(count):
            request = order_request(LINES)
            accepted.append(AcceptedOrder(f"m:{request.order_id}", request, self.clock.now()))
        record_orders(self.desk, accepted)
        self.book.take_outbox()
        return [one.request.order_id for one in accepted]

    def read(self, order_id: OrderId) -> OrderRecord:
        """The order as the book has it."""
        with self.book.transaction() as tx:
            found = tx.get_order(order_id)
        assert found is not None
        return found

    def types(self, order_id: OrderId) -> list[EventType]:
        """The order's history."""
        with self.book.transaction() as tx:
            return [event.type for event in tx.events(order_id)]


@pytest.fixture
def bench() -> Bench:
    """An empty shop."""
    return Bench()


def test_a_rule_that_is_on_holds_the_order_and_says_why(bench: Bench) -> None:
    """The money is not taken, the stock is kept, the sentence is on the order."""
    bench.book.tables.rules["a"] = RiskRule(
        "a", RiskKind.AMOUNT, "Dear", is_on=True, limit_minor=1, hold_hours=6
    )
    (order_id,) = bench.place()
    record = bench.read(order_id)
    assert (record.state.is_held, record.state.order) == (True, OrderStatus.PLACED)
    assert (record.hold_reason, record.hold_until) == ("fraud", NOON + timedelta(hours=6))
    with bench.book.transaction() as tx:
        (hit,) = tx.risk_hits(order_id)
        held = tx.events(order_id)[-1]
    assert (hit.rule, hit.why) == ("Dear", "33.23 EUR is 0.01 EUR or more")
    assert held.reason == f"Dear: {hit.why}"


def test_a_rule_that_only_tells_leaves_the_order_going(bench: Bench) -> None:
    """Its sentence is kept all the same."""
    bench.book.tables.rules["f"] = RiskRule("f", RiskKind.FIRST_ORDER, "First", is_on=True, holds=False)
    (order_id,) = bench.place()
    assert bench.read(order_id).state.order is OrderStatus.CONFIRMED
    with bench.book.transaction() as tx:
        assert [hit.rule for hit in tx.risk_hits(order_id)] == ["First"]


def test_orders_of_one_batch_count_for_each_other(bench: Bench) -> None:
    """Three at once are three: only the third is suspicious."""
    bench.book.tables.rules["v"] = RiskRule("v", RiskKind.VELOCITY, "Fast", is_on=True, count=3, hours=1)
    held = [bench.read(order_id).state.is_held for order_id in sorted(bench.place(3))]
    assert held == [False, False, True]


def test_a_hold_for_a_time_ends_by_itself_once(bench: Bench) -> None:
    """Not a moment before; what was placed goes on to be confirmed; a second look finds nothing."""
    (order_id,) = bench.place()
    end = NOON + timedelta(hours=1)
    hold_order(bench.desk, order_id, command_id="h", actor=STAFF, hold_reason="manual", until=end)
    assert release_due(bench.desk) == 0
    bench.clock.advance(3600)
    assert (release_due(bench.desk), release_due(bench.desk)) == (1, 0)
    record = bench.read(order_id)
    assert (record.state.is_held, record.hold_until, record.hold_reason) == (False, None, "")
    assert bench.types(order_id)[-1] is EventType.ORDER_RELEASED


def test_a_hold_until_the_past_is_refused(bench: Bench) -> None:
    """It would end at once, which nobody means."""
    (order_id,) = bench.place()
    with pytest.raises(InvalidRequest, match="still to come"):
        hold_order(bench.desk, order_id, command_id="h", actor=STAFF, hold_reason="manual", until=NOON)


def test_a_hold_by_hand_does_not_end_by_itself_nor_does_one_that_was_released(bench: Bench) -> None:
    """A new hold has its own end, or none."""
    (order_id,) = bench.place()
    end = NOON + timedelta(hours=1)
    hold_order(bench.desk, order_id, command_id="h1", actor=STAFF, hold_reason="manual", until=end)
    release_order(bench.desk, order_id, command_id="r1", actor=STAFF)
    hold_order(bench.desk, order_id, command_id="h2", actor=STAFF, hold_reason="manual")
    bench.clock.advance(30 * 86_400)
    assert release_due(bench.desk) == 0
    assert bench.read(order_id).state.is_held


def test_a_held_line_stays_while_the_others_leave(bench: Bench) -> None:
    """ "All that is left" leaves it out, naming it is refused, and once released it is the last parcel."""
    (order_id,) = bench.place()
    hold_lines(bench.desk, order_id, [TEA], command_id="h", actor=STAFF, hold_reason="stock")
    with pytest.raises(InvalidRequest, match="on hold: stock"):
        ship_order(bench.desk, order_id, Parcel({TEA: 1}), shipment_id="s0", actor=STAFF)
    first = ship_order(bench.desk, order_id, Parcel({}), shipment_id="s1", actor=STAFF)
    assert first.state.fulfilment is FulfilmentStatus.PARTLY_SHIPPED
    with pytest.raises(InvalidRequest, match="every line that is left is on hold"):
        ship_order(bench.desk, order_id, Parcel({}), shipment_id="s2", actor=STAFF)
    released = release_lines(bench.desk, order_id, command_id="r", actor=STAFF)
    assert free_to_ship(released) == {TEA: 1}
    last = ship_order(bench.desk, order_id, Parcel({}), shipment_id="s3", actor=STAFF)
    assert last.state.fulfilment is FulfilmentStatus.SHIPPED


def test_a_line_goes_on_by_itself_too(bench: Bench) -> None:
    """Only the line whose time has come."""
    (order_id,) = bench.place()
    end = NOON + timedelta(hours=1)
    hold_lines(bench.desk, order_id, [TEA], command_id="h1", actor=STAFF, hold_reason="stock", until=end)
    hold_lines(bench.desk, order_id, [MUG], command_id="h2", actor=STAFF, hold_reason="manual")
    bench.clock.advance(3600)
    assert (release_due(bench.desk), release_due(bench.desk)) == (1, 0)
    assert set(bench.read(order_id).held_lines) == {MUG}


def test_lines_of_other_orders_are_refused(bench: Bench) -> None:
    """Neither held nor released."""
    (order_id,) = bench.place()
    with pytest.raises(InvalidRequest):
        hold_lines(bench.desk, order_id, [Sku("ELSE")], command_id="h", actor=STAFF, hold_reason="stock")
    with pytest.raises(InvalidRequest):
        release_lines(bench.desk, order_id, [TEA], command_id="r", actor=STAFF)


def test_the_order_is_complete_with_its_last_parcel(bench: Bench) -> None:
    """Messages of the carrier may come twice and in any order."""
    (order_id,) = bench.place()
    ship_order(bench.desk, order_id, Parcel({MUG: 2}, "post", "A"), shipment_id="s1", actor=STAFF)
    ship_order(bench.desk, order_id, Parcel({TEA: 1}, "post", "B"), shipment_id="s2", actor=STAFF)
    carrier = Actor("provider", "post")
    for number, event in (("B", "e1"), ("B", "e1"), ("B", "e2")):
        record = deliver_parcel(bench.desk, "post", number, event_id=event, actor=carrier, at=NOON)
        assert record.state.fulfilment is FulfilmentStatus.SHIPPED
    record = deliver_parcel(bench.desk, "post", "A", event_id="e3", actor=carrier, at=NOON)
    assert (record.state.fulfilment, record.state.order) == (
        FulfilmentStatus.DELIVERED,
        OrderStatus.COMPLETED,
    )
    assert bench.types(order_id).count(EventType.PARCEL_DELIVERED) == 2


def test_a_parcel_that_arrives_before_the_rest_has_left_completes_nothing(bench: Bench) -> None:
    """Part shipped, all of that delivered: the rest is still to come."""
    (order_id,) = bench.place()
    ship_order(bench.desk, order_id, Parcel({MUG: 2}, "post", "A"), shipment_id="s1", actor=STAFF)
    carrier = Actor("provider", "post")
    record = deliver_parcel(bench.desk, "post", "A", event_id="e1", actor=carrier, at=NOON)
    assert record.state.fulfilment is FulfilmentStatus.PARTLY_SHIPPED


def test_a_number_goes_to_the_parcel_that_has_none_or_ships_the_rest(bench: Bench) -> None:
    """The import of a carrier's list: once, however often the file is sent."""
    bare, unshipped = bench.place(2)
    ship_order(bench.desk, bare, Parcel({}), shipment_id="s1", actor=STAFF)
    for order_id, number in ((bare, "A"), (bare, "A"), (unshipped, "B"), (unshipped, "B")):
        add_tracking(
            bench.desk,
            order_id,
            Parcel({}, "dhl", number),
            command_id=f"t:{order_id}",
            actor=STAFF,
        )
    for order_id, number in ((bare, "A"), (unshipped, "B")):
        with bench.book.transaction() as tx:
            (parcel,) = tx.shipments(order_id)
        assert (parcel.carrier, parcel.tracking_number) == ("dhl", number)
        assert bench.read(order_id).state.fulfilment is FulfilmentStatus.SHIPPED
