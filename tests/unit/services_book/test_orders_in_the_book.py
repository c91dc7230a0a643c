"""The use cases of the order book, over the in-memory twins: each does what it promises, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambdas.notify_customer.rendering import JinjaRenderer
from orders.domain.errors import InvalidRequest, NotFound, TransitionRefused, Unavailable, VersionConflict
from orders.domain.events import Actor, EventType
from orders.domain.ids import Sku
from orders.domain.ledger import Account, balances
from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus
from orders.domain.request import Address, OrderRequest
from orders.links import keys_of, read
from orders.services.cancel_order import cancel_order
from orders.services.change_address import add_note, change_address
from orders.services.edit_order import edit_order
from orders.services.hold_order import hold_order, release_order
from orders.services.rebuild import Rebuilt, rebuild_tracking
from orders.services.refund_order import Refund, refund_order
from orders.services.return_order import decide_return, receive_return, request_return
from orders.services.ship_order import Parcel, deliver_order, ship_order
from tests.shop_in_memory import MemoryShop

STAFF = Actor("staff", "grace")
SHOPPER = Actor("shopper", "ada")
MUG = Sku("MUG-RED")


@pytest.fixture
def shop() -> Iterator[MemoryShop]:
    """A shop with stock; whatever a test does, the doctor finds nothing afterwards."""
    shop = MemoryShop()
    shop.stock("MUG-RED", 100)
    shop.stock("TEA", 50, 333)
    yield shop
    shop.run_until_idle()
    assert shop.findings() == []


def placed(shop: MemoryShop, *lines: tuple[str, int, int]) -> OrderRequest:
    """An order that was placed, recorded and paid."""
    request = shop.place(*lines)
    shop.run_until_idle()
    return request


def receivable(shop: MemoryShop, request: OrderRequest) -> int:
    """What the shopper owes by the ledger."""
    with shop.book.transaction() as tx:
        return balances(tx.postings(request.order_id))[Account.RECEIVABLE]


def captured_and_refunded(shop: MemoryShop, request: OrderRequest) -> tuple[int, int]:
    """The provider's own books."""
    charge = next(c for c in shop.provider.charges() if c.reference == request.payment.reference)
    return charge.captured_minor, charge.refunded_minor


def test_a_placed_order_is_confirmed_paid_and_shown(shop: MemoryShop) -> None:
    """The whole way of an order, without faults."""
    request = placed(shop)
    record = shop.record(request.order_id)
    assert (record.state.order, record.state.payment) == (OrderStatus.CONFIRMED, PaymentStatus.CAPTURED)
    view = shop.tracking.get(request.order_id)
    assert view is not None
    assert (view.stage, view.version) == ("confirmed", 3)
    assert [event for event, _ in view.events] == ["order_placed", "order_confirmed", "payment_captured"]
    assert receivable(shop, request) == 0
    assert shop.inventory.levels([MUG])[MUG].reserved == 2
    (told,) = shop.topic.published
    assert told["event"] == "order_confirmed"
    token = told["order"]["order_url"].rsplit("/", 1)[1]
    assert read(token, keys_of(shop.desk.settings)) == request.order_id


def test_a_message_delivered_twice_records_the_order_once(shop: MemoryShop) -> None:
    """Row W6: the second delivery finds the inbox row."""
    request = shop.place()
    assert shop.run_next(is_forgotten=True) is True
    before = shop.record(request.order_id)
    shop.clock.advance(60)
    shop.run_until_idle()
    with shop.book.transaction() as tx:
        kinds = [event.type for event in tx.events(request.order_id)]
    assert kinds == [EventType.ORDER_PLACED, EventType.ORDER_CONFIRMED, EventType.PAYMENT_CAPTURED]
    assert shop.record(request.order_id).placed_at == before.placed_at


def test_a_capture_whose_answer_was_lost_takes_the_money_once(shop: MemoryShop) -> None:
    """I5: the attempt's id is the provider's key, so the repeat finds the first answer."""
    shop.provider.lose_next = 2
    request = placed(shop)
    assert captured_and_refunded(shop, request) == (request.total_minor, 0)
    assert [kind for kind, _ in shop.provider.calls] == ["authorise", "capture"]


def test_a_cancelled_order_gives_stock_and_money_back(shop: MemoryShop) -> None:
    """After the capture the money is refunded, before it the authorisation is voided."""
    paid = placed(shop)
    fresh = shop.place()
    shop.run_next()
    for request in (paid, fresh):
        cancel_order(shop.desk, request.order_id, command_id=f"c-{request.order_id}", actor=SHOPPER)
    shop.run_until_idle()
    assert shop.record(paid.order_id).state.payment is PaymentStatus.REFUNDED
    assert shop.record(fresh.order_id).state.payment is PaymentStatus.VOIDED
    assert captured_and_refunded(shop, paid) == (paid.total_minor, paid.total_minor)
    assert captured_and_refunded(shop, fresh) == (0, 0)
    assert shop.inventory.levels([MUG])[MUG].available == 100
    assert receivable(shop, paid) == receivable(shop, fresh) == 0


def test_cancelling_twice_changes_nothing_more(shop: MemoryShop) -> None:
    """A repeat of the command, and another command for a cancelled order, find it cancelled."""
    request = placed(shop)
    first = cancel_order(shop.desk, request.order_id, command_id="c1", actor=SHOPPER)
    again = cancel_order(shop.desk, request.order_id, command_id="c1", actor=SHOPPER)
    other = cancel_order(shop.desk, request.order_id, command_id="c2", actor=STAFF)
    assert first.state == again.state == other.state


def test_money_captured_while_the_order_was_cancelled_goes_back(shop: MemoryShop) -> None:
    """The capture's answer was lost, then the shopper cancelled: the provider has the money and it is refunded."""
    request = shop.place()
    shop.run_next()
    shop.deliver_effects()
    shop.provider.lose_next = 1
    assert isinstance(shop.run_next(), Exception)
    cancel_order(shop.desk, request.order_id, command_id="c1", actor=SHOPPER)
    shop.run_until_idle()
    assert captured_and_refunded(shop, request) == (request.total_minor, request.total_minor)
    assert shop.record(request.order_id).state.payment is PaymentStatus.REFUNDED


def test_a_shopper_may_not_cancel_once_a_parcel_left(shop: MemoryShop) -> None:
    """Row S10: the grace window ends when picking starts; a queued wish is noted on the timeline."""
    request = placed(shop)
    ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)
    with pytest.raises(TransitionRefused):
        cancel_order(shop.desk, request.order_id, command_id="c1", actor=SHOPPER)


def test_an_order_that_changes_while_its_money_is_taken_keeps_both(shop: MemoryShop) -> None:
    """What was read before the call is out of date then: the order is read again, and nothing is written over."""
    request = shop.place()
    shop.provider.meanwhile = lambda: add_note(
        shop.desk, request.order_id, text="ring twice", command_id="note", actor=STAFF
    )
    shop.run_until_idle()
    record = shop.record(request.order_id)
    assert record.state.payment is PaymentStatus.CAPTURED
    with shop.book.transaction() as tx:
        told = [(str(event.type), event.version) for event in tx.events(request.order_id)]
    assert told[-2:] == [("note_added", 3), ("payment_captured", 4)]
    assert receivable(shop, request) == 0
    assert captured_and_refunded(shop, request) == (request.total_minor, 0)


def test_an_order_that_is_cancelled_while_its_money_is_taken_gives_it_back(shop: MemoryShop) -> None:
    """By the ledger as it is then, not as it was read before the call."""
    request = shop.place()
    shop.provider.meanwhile = lambda: cancel_order(
        shop.desk, request.order_id, command_id="c1", actor=SHOPPER
    )
    shop.run_until_idle()
    assert captured_and_refunded(shop, request) == (request.total_minor, request.total_minor)
    assert shop.record(request.order_id).state.payment is PaymentStatus.REFUNDED


def test_an_order_that_expired_unseen_is_on_record_and_its_money_is_let_go(shop: MemoryShop) -> None:
    """I2 and I7: accepted, never recorded in time; the sweeper gave the stock back."""
    request = shop.place()
    lost = shop.queues.queues["orders"].receive(1)
    shop.queues.queues["orders"].delete_many([lost[0].handle])
    shop.clock.advance(4000)
    shop.sweep()
    shop.run_until_idle()
    record = shop.record(request.order_id)
    assert (record.state.order, record.state.payment) == (OrderStatus.EXPIRED, PaymentStatus.VOIDED)
    assert shop.inventory.levels([MUG])[MUG].available == 100


def test_the_record_message_that_comes_after_the_expiry_changes_nothing(shop: MemoryShop) -> None:
    """Messages may overtake each other."""
    request = shop.place()
    body = shop.queues.queues["orders"].receive(1)[0].body
    shop.clock.advance(4000)
    shop.sweep()
    shop.run_until_idle()
    shop.run_body(body)
    assert shop.record(request.order_id).state.order is OrderStatus.EXPIRED


def test_parcels_leave_one_by_one_and_each_once(shop: MemoryShop) -> None:
    """O5: partial shipment by line; the same shipment id ships nothing twice."""
    request = placed(shop, ("MUG-RED", 2, 1250), ("TEA", 3, 333))
    first = ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)
    again = ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)
    assert first.state == again.state
    assert first.state.fulfilment is FulfilmentStatus.PARTLY_SHIPPED
    with pytest.raises(InvalidRequest, match="1 pieces are left"):
        ship_order(shop.desk, request.order_id, Parcel({MUG: 2}), shipment_id="s2", actor=STAFF)
    last = ship_order(shop.desk, request.order_id, Parcel({}), shipment_id="s3", actor=STAFF)
    assert last.state.fulfilment is FulfilmentStatus.SHIPPED
    done = deliver_order(shop.desk, request.order_id, command_id="d1", actor=STAFF)
    assert done.state.order is OrderStatus.COMPLETED
    shop.run_until_idle()
    assert shop.inventory.levels([MUG])[MUG].sold == 2


def test_a_person_who_decided_upon_an_older_version_is_told(shop: MemoryShop) -> None:
    """Two people at one order: the second sees that it changed."""
    request = placed(shop)
    hold_order(
        shop.desk, request.order_id, command_id="h", actor=STAFF, hold_reason="manual", expected_version=3
    )
    with pytest.raises(VersionConflict):
        cancel_order(shop.desk, request.order_id, command_id="c", actor=STAFF, expected_version=3)


def test_refunds_by_pieces_add_up_to_the_cent(shop: MemoryShop) -> None:
    """Three pieces refunded one after the other are worth what the line was; no cent appears or vanishes."""
    request = placed(shop, ("TEA", 3, 333))
    for number in range(3):
        refund_order(
            shop.desk, request.order_id, Refund({Sku("TEA"): 1}), command_id=f"r{number}", actor=STAFF
        )
        shop.run_until_idle()
    assert captured_and_refunded(shop, request)[1] == 999
    refund_order(shop.desk, request.order_id, Refund(is_with_shipping=True), command_id="r9", actor=STAFF)
    shop.run_until_idle()
    assert shop.record(request.order_id).state.payment is PaymentStatus.REFUNDED


def test_a_refund_sent_twice_is_paid_once(shop: MemoryShop) -> None:
    """I4: the command's id is its key; the same gesture under another key is a second one."""
    request = placed(shop)
    for command_id in ("r1", "r1", "r2"):
        refund_order(
            shop.desk, request.order_id, Refund(amount_minor=100), command_id=command_id, actor=STAFF
        )
        shop.run_until_idle()
    assert captured_and_refunded(shop, request)[1] == 200
    with shop.book.transaction() as tx:
        notes = [event for event in tx.events(request.order_id) if event.type is EventType.NOTE_ADDED]
    assert len(notes) == 2


def test_more_than_the_order_is_worth_is_never_paid_back(shop: MemoryShop) -> None:
    """I5: gestures and refunded lines together stop at what was captured."""
    request = placed(shop)
    refund_order(shop.desk, request.order_id, Refund(amount_minor=600), command_id="r1", actor=STAFF)
    with pytest.raises(InvalidRequest, match="at most"):
        refund_order(
            shop.desk, request.order_id, Refund({MUG: 2}, is_with_shipping=True), command_id="r2", actor=STAFF
        )
    shop.run_until_idle()
    assert captured_and_refunded(shop, request)[1] == 600


def test_a_return_goes_back_on_the_shelf_and_is_paid_back(shop: MemoryShop) -> None:
    """O6: requested, approved, received, restocked or written off, refunded."""
    request = placed(shop)
    ship_order(shop.desk, request.order_id, Parcel({}), shipment_id="s1", actor=STAFF)
    with pytest.raises(InvalidRequest):
        request_return(shop.desk, request.order_id, {MUG: 3}, return_id="x", actor=SHOPPER, reason="big")
    request_return(shop.desk, request.order_id, {MUG: 2}, return_id="r1", actor=SHOPPER, reason="broken")
    decide_return(shop.desk, request.order_id, return_id="r1", actor=STAFF, is_approved=True)
    for _ in range(2):
        receive_return(
            shop.desk,
            request.order_id,
            return_id="r1",
            actor=STAFF,
            restocked={MUG: 1},
            written_off={MUG: 1},
        )
    shop.run_until_idle()
    level = shop.inventory.levels([MUG])[MUG]
    assert (level.available, level.sold) == (99, 1)
    assert captured_and_refunded(shop, request) == (request.total_minor, 2500)


def test_a_payment_that_cannot_be_taken_holds_the_order_until_it_can(shop: MemoryShop) -> None:
    """The money is tried again when a person releases the order."""
    request = shop.place()
    shop.run_next()
    charge = shop.provider._payments[request.payment.reference]
    charge.is_voided = True
    shop.run_until_idle()
    held = shop.record(request.order_id)
    assert (held.state.payment, held.state.is_held, held.hold_reason) == (
        PaymentStatus.FAILED,
        True,
        "payment",
    )
    charge.is_voided = False
    release_order(shop.desk, request.order_id, command_id="r", actor=STAFF)
    shop.run_until_idle()
    record = shop.record(request.order_id)
    assert (record.state.payment, record.state.is_held) == (PaymentStatus.CAPTURED, False)


def test_an_address_changes_until_picking_starts_and_within_the_country(shop: MemoryShop) -> None:
    """S10; another country would mean another price."""
    request = placed(shop)
    there = Address("Ada", "Nebenstr. 2", "", "10115", "Berlin", "", "DE")
    changed = change_address(shop.desk, request.order_id, there, command_id="a1", actor=SHOPPER)
    assert changed.request.shipping_address == there
    abroad = Address("Ada", "Rue 1", "", "75001", "Paris", "", "FR")
    with pytest.raises(InvalidRequest, match="priced for DE"):
        change_address(shop.desk, request.order_id, abroad, command_id="a2", actor=SHOPPER)


def test_a_note_is_on_the_timeline_and_not_on_the_tracking_page(shop: MemoryShop) -> None:
    """O2: what the staff say among themselves stays there."""
    request = placed(shop)
    add_note(shop.desk, request.order_id, "calls back on Monday", command_id="n1", actor=STAFF)
    shop.run_until_idle()
    view = shop.tracking.get(request.order_id)
    assert view is not None
    assert "note_added" not in [event for event, _ in view.events]


def test_an_unknown_order_is_not_found(shop: MemoryShop) -> None:
    """Every command says so."""
    with pytest.raises(NotFound):
        cancel_order(shop.desk, placed(shop).order_id.replace("0", "1"), command_id="c", actor=STAFF)  # type: ignore[arg-type]


def test_lost_tracking_is_rebuilt_from_the_book(shop: MemoryShop) -> None:
    """The projection may be thrown away at any time; what is newer than the book's view stays."""
    requests = [placed(shop) for _ in range(3)]
    kept = shop.tracking.get(requests[0].order_id)
    shop.tracking._views.clear()
    assert rebuild_tracking(shop.book, shop.tracking) == Rebuilt(3, 3)
    assert shop.tracking.get(requests[0].order_id) == kept
    assert rebuild_tracking(shop.book, shop.tracking) == Rebuilt(3, 0)
    assert rebuild_tracking(shop.book, shop.tracking, updated_since=shop.clock.now()).looked_at <= 3


def test_pieces_taken_off_go_back_on_the_shelf_and_are_paid_back(shop: MemoryShop) -> None:
    """S10: fewer pieces until picking starts, with the right money difference, once per command."""
    request = placed(shop, ("MUG-RED", 2, 1250), ("TEA", 3, 333))
    with pytest.raises(InvalidRequest, match="order anew"):
        edit_order(shop.desk, request.order_id, {MUG: 3}, command_id="e0", actor=SHOPPER)
    with pytest.raises(InvalidRequest, match="cancel the order"):
        edit_order(shop.desk, request.order_id, {MUG: 0, Sku("TEA"): 0}, command_id="e0", actor=SHOPPER)
    for _ in range(2):
        edit_order(shop.desk, request.order_id, {MUG: 1, Sku("TEA"): 2}, command_id="e1", actor=SHOPPER)
    shop.run_until_idle()
    assert captured_and_refunded(shop, request) == (request.total_minor, 1583)
    assert shop.inventory.levels([MUG])[MUG].available == 99
    ship_order(shop.desk, request.order_id, Parcel({}), shipment_id="s", actor=STAFF)
    shop.run_until_idle()
    assert shop.inventory.levels([MUG])[MUG].sold == 1
    with pytest.raises(TransitionRefused):
        edit_order(shop.desk, request.order_id, {Sku("TEA"): 1}, command_id="e2", actor=SHOPPER)


def test_the_shopper_is_written_what_is_left_of_a_changed_order(shop: MemoryShop) -> None:
    """Once per change: the pieces that still come, and what they cost less; later mails say the same."""
    request = placed(shop, ("MUG-RED", 2, 1250), ("TEA", 3, 333))
    edit_order(shop.desk, request.order_id, {MUG: 0, Sku("TEA"): 2}, command_id="e1", actor=SHOPPER)
    ship_order(shop.desk, request.order_id, Parcel({}), shipment_id="s", actor=STAFF)
    shop.run_until_idle()
    told = {each["event"]: each for each in shop.topic.published}
    edited = told["order_edited"]
    assert edited["data"] == {
        "taken_off": {"MUG-RED": 2, "TEA": 1},
        "amount_minor": 2833,
        "is_paid_back": True,
    }
    assert edited["order"]["taken_off_minor"] == 2833
    assert [(line["sku"], line["quantity"]) for line in edited["order"]["lines"]] == [("TEA", 2)]
    renderer = JinjaRenderer("Shop", "https://shop.example")
    for name in ("order_edited", "order_shipped"):
        listed = [line for line in renderer.email(told[name]).text.splitlines() if " x " in line]
        assert len(listed) == 1
        assert listed[0].startswith("2 x ")


def test_less_is_taken_when_pieces_came_off_before_the_capture(shop: MemoryShop) -> None:
    """Nothing is captured only to be paid back."""
    request = shop.place(("TEA", 3, 333))
    shop.run_next()
    edit_order(shop.desk, request.order_id, {Sku("TEA"): 1}, command_id="e1", actor=SHOPPER)
    shop.run_until_idle()
    assert captured_and_refunded(shop, request) == (333 + 490, 0)


def test_nothing_ships_before_its_stock_is_confirmed(shop: MemoryShop) -> None:
    """Until the relay has confirmed the reservation, the sweeper may still give these pieces to somebody else."""
    request = shop.place()
    shop.run_next()
    with pytest.raises(Unavailable):
        ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)
    shop.deliver_effects()
    ship_order(shop.desk, request.order_id, Parcel({MUG: 1}), shipment_id="s1", actor=STAFF)


def test_what_the_shopper_chose_travels_with_the_first_event(shop: MemoryShop) -> None:
    """Who wants no e-mail gets none, from the confirmation on."""
    shop.book.tables.preferences["ada@example.org"] = {"email": False}
    placed(shop)
    assert shop.topic.published[0]["order"]["notify"] == {"email": False}
