"""The checker is itself checked: a healthy shop is called healthy, and each planted fault is named."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.doctor.checks import Finding, Remedy, examine
from orders.doctor.diagnosis import diagnose
from orders.doctor.report import as_data, as_text
from orders.doctor.snapshot import CouponFacts, LineFacts, OrderFacts, ProviderFacts, QueueFacts, Snapshot
from orders.domain import ledger
from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.inventory import PlaceLevel, ReservationState, ReservedLine, StockLevel, StockMovement
from orders.domain.order import INITIAL, FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from orders.domain.pricing import TaxRule, price_order
from orders.ports import AttemptStatus, NotificationClaim, PaymentAttempt, Reservation, TrackingView

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = OrderId("01a2040f-2276-7af1-b147-1dbaccfcc247")
CUP = Sku("CUP")
PRICED = price_order([(2, 1990)], shipping_minor=490, discount_minor=0, tax=TaxRule("DE", 190_000, True))
TOTAL = PRICED.totals.total_minor


def attempt(kind: str, amount: int = TOTAL, **changes: Any) -> PaymentAttempt:
    """A payment attempt that succeeded."""
    made = PaymentAttempt(
        f"{kind}-1",
        ID,
        kind,
        "test",
        "ch_1",
        amount,
        "EUR",
        AttemptStatus.SUCCEEDED,
        NOW - timedelta(hours=1),
    )
    return replace(made, **changes)


def postings(*made: ledger.Posting) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Postings as the book holds them."""
    return {
        posting.key: [(entry.account, entry.amount_minor) for entry in posting.entries] for posting in made
    }


LINE = LineFacts(CUP, 2, 1990, 0, PRICED.lines[0].net_minor, PRICED.lines[0].tax_minor, 0, 0, 0, 0)
ORDER = OrderFacts(
    id=ID,
    state=OrderState(OrderStatus.CONFIRMED, PaymentStatus.CAPTURED, FulfilmentStatus.UNFULFILLED, version=3),
    currency="EUR",
    total_minor=TOTAL,
    subtotal_minor=3980,
    shipping_minor=490,
    shipping_tax_minor=PRICED.shipping.tax_minor,
    tax_minor=PRICED.totals.tax_minor,
    discount_minor=0,
    tax_is_inclusive=True,
    tax_rate_ppm=190_000,
    updated_at=NOW,
    is_edited=False,
    lines=[LINE],
    postings=postings(ledger.sale(PRICED), ledger.capture("capture-1", TOTAL)),
    events=[(1, EventType.ORDER_PLACED), (2, EventType.ORDER_CONFIRMED), (3, EventType.PAYMENT_CAPTURED)],
    attempts=[attempt("authorise"), attempt("capture")],
)
RESERVATION = Reservation(
    ID,
    "f",
    (ReservedLine(CUP, 2, 1990),),
    ReservationState.CONFIRMED,
    "",
    NOW,
    NOW + timedelta(days=1),
    is_sent=True,
)
VIEW = TrackingView(ID, order_number(ID), 3, "confirmed", "confirmed", "captured", "unfulfilled", NOW)
MOVED = StockMovement("console:1", CUP, -3, NOW)
LEVEL = StockLevel(CUP, 8, 2, 0, 10, 1990, "EUR", places=(PlaceLevel("main", 8, 2, 0, 10),))
HEALTHY = Snapshot(
    taken_at=NOW,
    levels={CUP: LEVEL},
    reservations={ID: RESERVATION},
    tracking={ID: VIEW},
    orders={ID: ORDER},
    charges=[ProviderFacts("ch_1", ID, "captured", TOTAL, TOTAL, 0)],
    queues=[QueueFacts("orders", 0, 0, 0)],
)


def level(**changes: int) -> Mapping[Sku, StockLevel]:
    """The healthy shop's level changed, all of it in one place."""
    changed = replace(LEVEL, **changes)
    place = PlaceLevel("main", changed.available, changed.reserved, changed.sold, changed.received)
    return {CUP: replace(changed, places=(place,))}


def order(**changes: Any) -> Snapshot:
    """The healthy shop with its one order changed."""
    return replace(HEALTHY, orders={ID: replace(ORDER, **changes)})


def test_a_healthy_shop_is_called_healthy() -> None:
    """No false alarm."""
    assert examine(HEALTHY) == []
    journaled = {MOVED.id: MOVED}
    assert examine(replace(HEALTHY, movements=journaled, journal=journaled)) == []


_state = ORDER.state


def _claim_of(age: timedelta) -> NotificationClaim:
    return NotificationClaim(ID, "order_confirmed@3", "email", NOW - age)


FAULTS: dict[str, tuple[str, Remedy, Snapshot]] = {
    "oversold": ("I1", Remedy.NONE, replace(HEALTHY, levels=level(available=-1, sold=9))),
    "lost piece": ("I1", Remedy.NONE, replace(HEALTHY, levels=level(available=7))),
    "reserved for nobody": (
        "I1",
        Remedy.NONE,
        replace(HEALTHY, levels=level(available=7, reserved=3)),
    ),
    "reserved in another place": (
        "I1",
        Remedy.NONE,
        replace(
            HEALTHY,
            levels={
                CUP: replace(LEVEL, places=(PlaceLevel("main", 8, 0, 0, 8), PlaceLevel("north", 0, 2, 0, 2)))
            },
        ),
    ),
    "sold but not shipped": (
        "I1",
        Remedy.NONE,
        replace(HEALTHY, levels=level(available=7, sold=1)),
    ),
    "moved by nobody": ("I1", Remedy.JOURNAL, replace(HEALTHY, movements={"console:1": MOVED})),
    "told and not moved": ("I1", Remedy.NONE, replace(HEALTHY, journal={"console:1": MOVED})),
    "told otherwise": (
        "I1",
        Remedy.NONE,
        replace(HEALTHY, movements={"console:1": MOVED}, journal={"console:1": replace(MOVED, pieces=-4)}),
    ),
    "lost order": ("I2", Remedy.RESEND, replace(HEALTHY, orders={}, charges=[])),
    "invisible order": ("I2", Remedy.PROJECT, replace(HEALTHY, tracking={})),
    "phantom order": ("I3", Remedy.NONE, replace(HEALTHY, reservations={})),
    "phantom view": (
        "I3",
        Remedy.NONE,
        replace(HEALTHY, tracking={ID: VIEW, OrderId("x"): replace(VIEW, order_id=OrderId("x"))}),
    ),
    "recorded with other goods": ("I4", Remedy.NONE, order(lines=[replace(LINE, sku=Sku("MUG"))])),
    "charged twice": (
        "I5",
        Remedy.NONE,
        order(attempts=[*ORDER.attempts, attempt("capture", id="capture-2")]),
    ),
    "authorised twice": (
        "I5",
        Remedy.NONE,
        order(attempts=[*ORDER.attempts, attempt("authorise", id="authorise-2", reference="ch_2")]),
    ),
    "provider knows more": (
        "I5",
        Remedy.NONE,
        replace(HEALTHY, charges=[ProviderFacts("ch_1", ID, "captured", TOTAL, TOTAL, 100)]),
    ),
    "no sale posted": ("I5", Remedy.NONE, order(postings=postings(ledger.capture("capture-1", TOTAL)))),
    "unbalanced posting": (
        "I5",
        Remedy.NONE,
        order(postings={**ORDER.postings, "oops": [("cash", 5), ("sales", -4)]}),
    ),
    "captured but not posted": ("I5", Remedy.NONE, order(postings=postings(ledger.sale(PRICED)))),
    "total is not the sum": ("I5", Remedy.NONE, order(total_minor=TOTAL + 1)),
    "tax off by a cent": (
        "I5",
        Remedy.NONE,
        order(lines=[replace(LINE, net_minor=LINE.net_minor + 1, tax_minor=LINE.tax_minor - 1)]),
    ),
    "illegal history": (
        "I6",
        Remedy.NONE,
        order(
            events=[
                (1, EventType.ORDER_PLACED),
                (2, EventType.ORDER_SHIPPED),
                (3, EventType.PAYMENT_CAPTURED),
            ]
        ),
    ),
    "skipped version": (
        "I6",
        Remedy.NONE,
        order(events=[*ORDER.events[:2], (4, EventType.PAYMENT_CAPTURED)]),
    ),
    "history and record differ": (
        "I6",
        Remedy.NONE,
        order(state=replace(_state, fulfilment=FulfilmentStatus.PICKING)),
    ),
    "stale view": ("I6", Remedy.PROJECT, replace(HEALTHY, tracking={ID: replace(VIEW, version=2)})),
    "view from the future": ("I6", Remedy.NONE, replace(HEALTHY, tracking={ID: replace(VIEW, version=9)})),
    "undelivered view": (
        "I6",
        Remedy.DELIVER,
        replace(HEALTHY, tracking={ID: replace(VIEW, version=2)}, outbox_orders=frozenset({ID})),
    ),
    "unconfirmed reservation": (
        "I7",
        Remedy.CONFIRM,
        replace(HEALTHY, reservations={ID: replace(RESERVATION, state=ReservationState.RESERVED)}),
    ),
    "overdue reservation": (
        "I7",
        Remedy.EXPIRE,
        replace(
            HEALTHY,
            orders={},
            charges=[],
            reservations={
                ID: replace(
                    RESERVATION, state=ReservationState.RESERVED, expires_at=NOW - timedelta(minutes=5)
                )
            },
        ),
    ),
    "cancelled but holding": (
        "I7",
        Remedy.RELEASE,
        order(
            state=replace(_state, order=OrderStatus.CANCELLED, version=4),
            events=[*ORDER.events, (4, EventType.ORDER_CANCELLED)],
        ),
    ),
    "open but given back": (
        "I7",
        Remedy.NONE,
        replace(
            HEALTHY,
            levels=level(available=10, reserved=0),
            reservations={ID: replace(RESERVATION, state=ReservationState.RELEASED)},
        ),
    ),
    "forgotten authorisation": (
        "I7",
        Remedy.VOID,
        replace(HEALTHY, orphan_attempts=[attempt("authorise", order_id=OrderId("never-came"))]),
    ),
    "stuck effects": (
        "I8",
        Remedy.DELIVER,
        replace(HEALTHY, outbox_waiting=3, outbox_oldest=NOW - timedelta(minutes=5)),
    ),
    "unknown dead letter": ("I8", Remedy.NONE, replace(HEALTHY, queues=[QueueFacts("orders", 0, 0, 1)])),
    "a message that may not have been sent": (
        "I11",
        Remedy.NONE,
        replace(HEALTHY, open_claims=[_claim_of(timedelta(minutes=16))]),
    ),
}


def test_a_message_that_is_just_being_sent_is_not_a_finding() -> None:
    """A Lambda may take its time, and may be asked again."""
    assert not examine(replace(HEALTHY, open_claims=[_claim_of(timedelta(minutes=1))]))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_named(fault: str) -> None:
    """The promise that broke is among the findings, with the remedy that fits."""
    promise, remedy, look = FAULTS[fault]
    assert (promise, remedy) in {(finding.promise, finding.remedy) for finding in examine(look)}


def test_an_order_in_flight_is_not_a_finding() -> None:
    """What settles between two looks is the shop at work; what stays is wrong."""
    in_flight = replace(HEALTHY, tracking={ID: replace(VIEW, version=2)})
    looks = iter([in_flight, HEALTHY, HEALTHY])
    assert diagnose(lambda: next(looks), settle_seconds=10, wait=lambda _: None).is_healthy
    stuck = diagnose(lambda: in_flight, settle_seconds=10, wait=lambda _: None)
    assert [finding.promise for finding in stuck.all] == ["I6"]


def test_what_cannot_settle_is_told_at_once() -> None:
    """A broken ledger does not wait for a second look."""
    looked = []

    def look() -> Snapshot:
        looked.append(1)
        return order(total_minor=TOTAL + 1)

    assert not diagnose(look, settle_seconds=10, wait=lambda _: None).is_healthy


def test_the_report_names_subject_problem_and_remedy() -> None:
    """A stranger can act on it."""
    _, _, look = FAULTS["invisible order"]
    diagnosis = diagnose(lambda: look, settle_seconds=0, wait=lambda _: None)
    text = as_text(diagnosis)
    assert ID in text
    assert "the shopper cannot see it" in text
    assert Remedy.PROJECT.value in text
    data = as_data(diagnosis)
    assert data["healthy"] is False
    assert data["findings"][0]["subject"] == ID
    assert isinstance(diagnosis.all[0], Finding)


def test_the_initial_state_is_version_one() -> None:
    """History is replayed from the state that record_order writes."""
    assert INITIAL.version == 1


COUPON = CouponFacts("TEN", 1, 1, {ID: NOW - timedelta(hours=2)})
WITH_COUPON = replace(HEALTHY, coupons=[COUPON], orders={ID: replace(ORDER, discount_code="TEN")})
CANCELLED = replace(ORDER, state=replace(ORDER.state, order=OrderStatus.CANCELLED))


def about_coupons(look: Snapshot) -> list[tuple[str, Remedy]]:
    """The findings that name a coupon."""
    return [(f.problem, f.remedy) for f in examine(look) if "TEN" in f.problem or f.subject == "TEN"]


def test_a_coupon_whose_counter_is_its_uses_is_healthy() -> None:
    """Also when the use is claimed and its order is on the way."""
    assert examine(WITH_COUPON) == examine(HEALTHY)
    on_the_way = replace(HEALTHY, orders={}, coupons=[COUPON])
    assert about_coupons(on_the_way) == []


@pytest.mark.parametrize(
    ("look", "problem", "remedy"),
    [
        (replace(WITH_COUPON, coupons=[replace(COUPON, used=0)]), "counts 0 uses", Remedy.NONE),
        (replace(WITH_COUPON, coupons=[replace(COUPON, max_uses=0)]), "its limit is 0", Remedy.NONE),
        (replace(WITH_COUPON, coupons=[replace(COUPON, used=0, uses={})]), "holds no use", Remedy.NONE),
        (replace(WITH_COUPON, orders={ID: CANCELLED}), "cancelled, but it holds a use", Remedy.GIVE_BACK),
        (
            replace(WITH_COUPON, orders={}, reservations={}, tracking={}),
            "holds a use of TEN for no order",
            Remedy.GIVE_BACK,
        ),
    ],
)
def test_a_use_that_nobody_or_a_dead_order_holds_is_found(
    look: Snapshot, problem: str, remedy: Remedy
) -> None:
    """Each way in which counter, uses and orders can part has its finding."""
    ((found, mended_by),) = about_coupons(look)
    assert problem in found
    assert mended_by is remedy
