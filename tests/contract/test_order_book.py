"""One suite over both order books: the one in memory and the one in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from orders.adapters.memory.order_book import MemoryOrderBook
from orders.adapters.rds import coupons
from orders.adapters.rds.coupon_models import CouponRow
from orders.adapters.rds.engine import make_engine
from orders.adapters.rds.order_book import SqlOrderBook
from orders.domain import ledger
from orders.domain.errors import VersionConflict
from orders.domain.events import SYSTEM, EventType, OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.order import INITIAL, apply
from orders.domain.request import check
from orders.domain.risk import HoldKind, RiskHit, RiskKind
from orders.ports import (
    AttemptStatus,
    BookedPosting,
    Effect,
    LineCounts,
    LineHold,
    NewOrder,
    OrderBook,
    OrderRecord,
    OrderStep,
    OutboxRow,
    PaymentAttempt,
    ReturnRecord,
    ReturnStatus,
    Shipment,
)
from orders.settings import Settings
from tests.order_samples import order_request

NOON = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)
CONFIRMED = apply(INITIAL, EventType.ORDER_CONFIRMED)


@pytest.fixture(params=["memory", "postgresql"])
def book(request: pytest.FixtureRequest) -> Iterator[OrderBook]:
    """An empty order book."""
    if request.param == "memory":
        yield MemoryOrderBook()
        return
    engine = make_engine(Settings(database_url=request.getfixturevalue("database_url")), "test")
    yield SqlOrderBook(engine)
    engine.dispose()


def record(*lines: tuple[str, int, int]) -> OrderRecord:
    """A placed order."""
    request = order_request(
        lines or (("MUG-RED", 2, 1250), ("TEA", 1, 333)), note='naïve "quotes" \\ 🫖', client={"agent": "x"}
    )
    return OrderRecord(request, INITIAL, check(request), NOON, "c" * 32)


def added(book: OrderBook, *lines: tuple[str, int, int]) -> OrderRecord:
    """A placed order that is in the book."""
    order = record(*lines)
    with book.transaction() as tx:
        tx.enter_new([NewOrder(order)])
    return order


def get(book: OrderBook, order_id: OrderId) -> OrderRecord:
    """The order as the book has it."""
    with book.transaction() as tx:
        found = tx.get_order(order_id)
    assert found is not None
    return found


def test_an_order_comes_back_as_it_went_in(book: OrderBook) -> None:
    """Every field, amounts and texts included."""
    order = added(book)
    assert get(book, order.order_id) == order


def test_a_batch_adds_what_is_new_and_says_which(book: OrderBook) -> None:
    """A repeated order is not added again and not changed."""
    known, fresh = added(book), record()
    with book.transaction() as tx:
        assert tx.enter_new([NewOrder(replace(known, state=CONFIRMED)), NewOrder(fresh)]) == {fresh.order_id}
        assert tx.enter_new([]) == set()
    assert get(book, known.order_id).state == INITIAL


def test_messages_are_accepted_once(book: OrderBook) -> None:
    """The inbox (row W6)."""
    with book.transaction() as tx:
        assert tx.accept_messages(["b", "a"], "job") == {"a", "b"}
    with book.transaction() as tx:
        assert tx.accept_messages(["a", "c", "c"], "job") == {"c"}


def test_what_raised_left_nothing(book: OrderBook) -> None:
    """A transaction is all or nothing."""
    order = record()
    with pytest.raises(RuntimeError), book.transaction() as tx:  # noqa: PT012
        tx.accept_messages(["m"], "job")
        tx.enter_new([NewOrder(order)])
        raise RuntimeError
    with book.transaction() as tx:
        assert tx.get_order(order.order_id) is None
        assert tx.accept_messages(["m"], "job") == {"m"}


def test_a_state_moves_from_where_it_was_expected_or_not_at_all(book: OrderBook) -> None:
    """Optimistic concurrency, over all three statuses, the hold and the version."""
    order = added(book)
    later = NOON + timedelta(minutes=1)
    with book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, later))
    with pytest.raises(VersionConflict), book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, later))
    held = apply(CONFIRMED, EventType.ORDER_HELD)
    with book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, CONFIRMED, held, later, hold_reason="fraud"))
    found = get(book, order.order_id)
    assert (found.state, found.hold_reason) == (held, "fraud")


def test_what_an_order_led_to_is_entered_with_it_or_not_at_all(book: OrderBook) -> None:
    """One that is there already brings nothing along, and a step that is refused leaves nothing behind."""
    order = record()
    placed = OrderEvent(order.order_id, EventType.ORDER_PLACED, 1, NOON, SYSTEM, "", "c" * 32, {})
    sale = BookedPosting(order.order_id, ledger.sale(order.priced), "EUR", NOON)
    promised = OutboxRow(f"{order.order_id}:first", Effect.CONFIRM_STOCK, order.order_id, {})
    with book.transaction() as tx:
        assert tx.enter_new([NewOrder(order, [placed], [sale], [promised])]) == {order.order_id}
    again = replace(promised, key=f"{order.order_id}:again")
    with book.transaction() as tx:
        assert tx.enter_new([NewOrder(order, [placed], [sale], [again])]) == set()
        assert not tx.is_promised(again.key)
    confirmed = replace(placed, type=EventType.ORDER_CONFIRMED, version=2)
    capture = BookedPosting(order.order_id, ledger.capture("a1", 100), "EUR", NOON)
    step = OrderStep(
        order.order_id,
        INITIAL,
        CONFIRMED,
        NOON,
        events=[confirmed],
        postings=[sale, capture],
        outbox=[promised, again],
    )
    with book.transaction() as tx, pytest.raises(VersionConflict):
        tx.enter_step(replace(step, before=CONFIRMED))
    with book.transaction() as tx:
        assert (len(tx.events(order.order_id)), len(tx.postings(order.order_id))) == (1, 1)
        tx.enter_step(step)
        assert tx.is_promised(again.key)
        assert [posting.key for posting in tx.postings(order.order_id)] == ["sale", "capture:a1"]
        assert list(tx.events(order.order_id)) == [placed, confirmed]


def test_an_orders_file_holds_what_its_parts_hold(book: OrderBook) -> None:
    """Times, amounts and texts included; its row is locked, which test_two_at_one_order covers for both ways."""
    order = added(book)
    end = NOON + timedelta(hours=1, microseconds=40)
    note = OrderEvent(
        order.order_id, EventType.NOTE_ADDED, 2, end, SYSTEM, "warum", "d" * 32, {"a": [1, "ü"]}
    )
    sale = BookedPosting(order.order_id, ledger.sale(order.priced), "EUR", NOON)
    attempt = PaymentAttempt(
        "a1", order.order_id, "capture", "test", "ref", 2833, "EUR", AttemptStatus.PENDING, end
    )
    with book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, NOON, "manual", end, [note], [sale]))
        tx.save_line_holds(order.order_id, {Sku("TEA"): LineHold("manual", end)})
        tx.save_counts(order.order_id, {Sku("TEA"): LineCounts(cancelled=1)})
        tx.add_attempt(attempt)
        found = tx.open_file(order.order_id)
        assert found is not None
        assert found.record == tx.get_order(order.order_id)
        assert list(found.events) == [note]
        assert list(found.postings) == list(tx.postings(order.order_id))
        assert list(found.attempts) == [attempt]
        assert tx.open_file(record().order_id) is None


def test_the_timeline_keeps_everything_in_order(book: OrderBook) -> None:
    """By version, with actor, reason and data."""
    order = added(book)
    events = [
        OrderEvent(order.order_id, EventType.ORDER_PLACED, 1, NOON, SYSTEM, "", "c" * 32, {}),
        OrderEvent(order.order_id, EventType.NOTE_ADDED, 2, NOON, SYSTEM, "why", "d" * 32, {"a": [1, "ü"]}),
    ]
    with book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, NOON, events=events))
        assert list(tx.events(order.order_id)) == events


def test_a_version_has_one_history(book: OrderBook) -> None:
    """Two programs that moved one order to the same version: the second is refused, whatever else let it through."""
    order = added(book)
    event = OrderEvent(order.order_id, EventType.ORDER_CONFIRMED, 2, NOON, SYSTEM, "", "c" * 32, {})
    with book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, NOON, events=[event]))
    held = apply(CONFIRMED, EventType.ORDER_HELD)
    with pytest.raises((ValueError, IntegrityError)), book.transaction() as tx:
        tx.enter_step(OrderStep(order.order_id, CONFIRMED, held, NOON, events=[event]))
    with book.transaction() as tx:
        assert list(tx.events(order.order_id)) == [event]


def test_a_posting_is_booked_once_per_order_and_key(book: OrderBook) -> None:
    """I5: a repeat adds nothing; another order may use the same key."""
    one, two = added(book), added(book)
    sales = [BookedPosting(order.order_id, ledger.sale(order.priced), "EUR", NOON) for order in (one, two)]
    capture = BookedPosting(one.order_id, ledger.capture("a1", 100), "EUR", NOON)
    with book.transaction() as tx:
        assert tx.add_postings([*sales, capture]) == {
            (one.order_id, "sale"),
            (two.order_id, "sale"),
            (one.order_id, "capture:a1"),
        }
    with book.transaction() as tx:
        assert tx.add_postings(sales) == set()
        found = tx.postings(one.order_id)
    assert [posting.key for posting in found] == ["sale", "capture:a1"]
    assert set(found[0].entries) == set(ledger.sale(one.priced).entries)


def test_a_promise_stands_until_it_is_withdrawn(book: OrderBook) -> None:
    """A key is promised once."""
    order = added(book)
    row = OutboxRow(f"{order.order_id}:x", Effect.EVENT, order.order_id, {"n": 1})
    with book.transaction() as tx:
        tx.add_outbox([row, row])
        tx.add_outbox([row])
        assert tx.is_promised(row.key)
        tx.withdraw(row.key)
        assert not tx.is_promised(row.key)


def test_counts_are_kept_per_line_and_guarded(book: OrderBook) -> None:
    """More than the line has cannot be shipped, whatever the services say."""
    order = added(book)
    counts = {Sku("MUG-RED"): LineCounts(shipped=2, returned=1, restocked=1, refunded=1)}
    with book.transaction() as tx:
        tx.save_counts(order.order_id, counts)
    assert get(book, order.order_id).counts == counts
    with pytest.raises(Exception, match=r"counts|line of"), book.transaction() as tx:
        tx.save_counts(order.order_id, {Sku("TEA"): LineCounts(shipped=2)})


def test_attempts_are_recorded_before_and_finished_after_the_call(book: OrderBook) -> None:
    """The same id again is ignored."""
    order = added(book)
    attempt = PaymentAttempt(
        "a1", order.order_id, "capture", "test", "pay_1", 2990, "EUR", AttemptStatus.PENDING, NOON
    )
    with book.transaction() as tx:
        tx.add_attempt(attempt)
        tx.finish_attempt("a1", AttemptStatus.DECLINED, NOON, decline_code="no", detail="text")
        tx.add_attempt(attempt)
        found = tx.attempts(order.order_id)
    assert found == [replace(attempt, status=AttemptStatus.DECLINED, decline_code="no", detail="text")]


def test_shipments_and_returns_come_back(book: OrderBook) -> None:
    """With their lines; a shipment id counts once; a return remembers what became of it."""
    order = added(book)
    parcel = Shipment(
        "s1",
        order.order_id,
        {Sku("MUG-RED"): 2},
        NOON,
        "DHL",
        "00340",
        "https://t.example/00340",
        None,
        "north",
    )
    asked = ReturnRecord("r1", order.order_id, ReturnStatus.REQUESTED, {Sku("MUG-RED"): 2}, "broken", NOON)
    received = replace(
        asked,
        status=ReturnStatus.RECEIVED,
        received_at=NOON,
        restocked={Sku("MUG-RED"): 1},
        written_off={Sku("MUG-RED"): 1},
    )
    with book.transaction() as tx:
        assert tx.add_shipment(parcel)
        assert not tx.add_shipment(parcel)
        tx.save_return(asked)
        assert list(tx.returns(order.order_id)) == [asked]
        tx.save_return(received)
        assert list(tx.shipments(order.order_id)) == [parcel]
        assert list(tx.returns(order.order_id)) == [received]


def test_pages_of_ids_walk_through_all_orders(book: OrderBook) -> None:
    """By key; the doctor and the rebuild read the whole book so."""
    orders = sorted([added(book).order_id for _ in range(5)])
    with book.transaction() as tx:
        first = tx.order_ids(limit=3)
        rest = tx.order_ids(after=first[-1], limit=3)
        assert [*first, *rest] == orders
        assert tx.order_ids(updated_since=NOON + timedelta(seconds=1)) == []
        assert [order.order_id for order in tx.get_orders(list(reversed(orders)))] == orders


@pytest.mark.parametrize("is_file", [False, True])
def test_two_at_one_order_wait_for_each_other(book: OrderBook, is_file: bool) -> None:
    """`lock=True` makes the second reader see what the first one wrote, and so does opening the order's file."""
    order = added(book)
    has_lock, seen = threading.Event(), []

    def second() -> None:
        has_lock.wait(10)
        with book.transaction() as tx:
            file = tx.open_file(order.order_id) if is_file else None
            found = file.record if file else tx.get_order(order.order_id, lock=True)
            assert found is not None
            seen.append(found.state)

    thread = threading.Thread(target=second)
    thread.start()
    with book.transaction() as tx:
        tx.get_order(order.order_id, lock=True)
        has_lock.set()
        tx.enter_step(OrderStep(order.order_id, INITIAL, CONFIRMED, NOON))
    thread.join(10)
    assert seen == [CONFIRMED]


def test_a_coupon_is_given_back_once_and_only_when_the_transaction_commits(book: OrderBook) -> None:
    """A repeat gives nothing; what is undone keeps the use."""
    order = added(book)
    _claim(book, order.order_id)

    def give_back_and_fail() -> None:
        with book.transaction() as tx:
            assert tx.give_back_coupon(order.order_id)
            raise LookupError

    with pytest.raises(LookupError):
        give_back_and_fail()
    with book.transaction() as tx:
        assert tx.give_back_coupon(order.order_id)
        assert not tx.give_back_coupon(order.order_id)
    with book.transaction() as tx:
        assert not tx.give_back_coupon(order.order_id)


def _claim(book: OrderBook, order_id: OrderId) -> None:
    """What the checkout does: outside the port."""
    if isinstance(book, MemoryOrderBook):
        book.tables.coupon_uses[order_id] = "TEN"
        return
    assert isinstance(book, SqlOrderBook)
    with book.engine.begin() as connection:
        connection.execute(
            insert(CouponRow).values(
                code="TEN", kind="percent", rate_ppm=1000, currency="EUR", created_at=NOON
            )
        )
        coupons.claim(
            connection, code="TEN", order_id=UUID(order_id), email="a@example.com", goods_minor=1, currency="EUR", now=NOON
        )  # fmt: skip


def test_holds_come_back_and_end_in_their_order(book: OrderBook) -> None:
    """Of an order and of its lines; what is free, final or not over yet is not due."""
    first, second, later, free = added(book), added(book), added(book), added(book)
    held = apply(CONFIRMED, EventType.ORDER_HELD)
    ends = NOON + timedelta(hours=1)
    with book.transaction() as tx:
        for order, end in ((second, ends), (later, ends + timedelta(hours=1)), (free, None)):
            tx.enter_step(OrderStep(order.order_id, INITIAL, held, NOON, "manual", end))
        tx.save_line_holds(first.order_id, {Sku("TEA"): LineHold("stock", ends - timedelta(minutes=1))})
    assert get(book, second.order_id).hold_until == ends
    assert get(book, first.order_id).held_lines == {
        Sku("TEA"): LineHold("stock", ends - timedelta(minutes=1))
    }
    with book.transaction() as tx:
        assert tx.due_holds(NOON, 10) == []
        assert tx.due_holds(ends, 10) == [first.order_id, second.order_id]
        assert tx.due_holds(ends, 1) == [first.order_id]
        tx.save_line_holds(first.order_id, {Sku("TEA"): None})
        tx.enter_step(OrderStep(second.order_id, held, apply(held, EventType.ORDER_RELEASED), NOON))
        assert tx.due_holds(ends, 10) == []
    assert get(book, first.order_id).held_lines == {}


def test_what_the_rules_said_is_kept_with_the_order(book: OrderBook) -> None:
    """In the order in which it was said."""
    order = added(book)
    hits = [
        RiskHit("Dear", RiskKind.AMOUNT, "too much", True, HoldKind.FRAUD, NOON),
        RiskHit("First", RiskKind.FIRST_ORDER, "never seen", False, HoldKind.MANUAL),
    ]
    with book.transaction() as tx:
        tx.add_risk_hits({order.order_id: hits})
        tx.add_risk_hits({})
    with book.transaction() as tx:
        assert tx.risk_hits(order.order_id) == hits


def test_earlier_orders_are_found_by_address_whatever_its_case(book: OrderBook) -> None:
    """The latest ones, oldest first; strangers have none."""
    orders = [record(), record(), record()]
    with book.transaction() as tx:
        tx.enter_new(
            [NewOrder(replace(one, placed_at=NOON + timedelta(hours=n))) for n, one in enumerate(orders)]
        )
    email = orders[0].request.contact.email.upper()
    with book.transaction() as tx:
        found = tx.earlier_orders([email, "nobody@example.org"], 2)
    assert found == {email.lower(): [NOON + timedelta(hours=1), NOON + timedelta(hours=2)]}


def test_a_parcel_is_found_by_its_number_and_may_change_how_it_travels(book: OrderBook) -> None:
    """An empty number finds nothing: many parcels have none."""
    order = added(book)
    parcel = Shipment("s1", order.order_id, {Sku("TEA"): 1}, NOON)
    with book.transaction() as tx:
        tx.add_shipment(parcel)
        assert tx.find_shipment("", "") is None
        numbered = replace(parcel, carrier="post", tracking_number="CW1", delivered_at=NOON)
        tx.save_shipment(numbered)
    with book.transaction() as tx:
        assert tx.shipments(order.order_id) == [numbered]
        assert tx.find_shipment("post", "CW1") == replace(numbered, lines={})
        assert tx.find_shipment("dhl", "CW1") is None
