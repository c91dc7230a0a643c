"""The ports: what the core needs from the outside world, as Protocols. Adapters implement them, tests run one suite over all.

Every method that writes may be called again with the same arguments and then changes nothing more. Every adapter
translates its vendor's errors into orders.domain.errors; no vendor type crosses this line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import ReservationState, ReservedLine, StockLevel
from orders.domain.ledger import Posting
from orders.domain.order import OrderState
from orders.domain.pricing import PricedOrder
from orders.domain.request import Address, OrderRequest
from orders.domain.risk import RiskHit, RiskRule

# --- time -------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """Where the time comes from; tests inject their own."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        ...


# --- stock and tracking (DynamoDB) --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrackingView:
    """What the tracking page shows: a projection of the order, ordered by `version`, rebuilt at any time.

    `access_key` is a hash of nothing secret; authorisation is by account or signed link, in the web application.
    """

    order_id: OrderId
    number: str
    version: int
    stage: str
    order_status: str
    payment_status: str
    fulfilment_status: str
    updated_at: datetime
    events: tuple[tuple[str, datetime], ...] = ()
    expected_at: datetime | None = None
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The one item that is reservation, idempotency record and outbox entry of an accepted order.

    `fingerprint` is the hash of the canonical request body; `message` is the queue message that announces the
    order, kept until the order is confirmed (it holds personal data); `is_sent` tells whether SQS has it.
    `currency` is the one in which the lines' prices are meant.
    """

    order_id: OrderId
    fingerprint: str
    lines: tuple[ReservedLine, ...]
    state: ReservationState
    message: str
    accepted_at: datetime
    expires_at: datetime
    is_sent: bool = False
    correlation_id: str = ""
    currency: str = ""

    @property
    def holds_stock(self) -> bool:
        """Whether the held pieces of its lines are counted as reserved."""
        return self.state in {ReservationState.RESERVED, ReservationState.CONFIRMED}


class InventoryStore(Protocol):
    """The truth of stock. Single writer region; every change is one conditional DynamoDB write or transaction."""

    def reserve(self, reservation: Reservation, tracking: TrackingView) -> Reservation:
        """Reserve every line, re-check every price, and record reservation, tracking and outbox, all or nothing.

        `reservation.lines` carry counter 0; the returned reservation carries the counters that were chosen.
        A repeat of an accepted order returns the stored reservation (compare its fingerprint).
        Raises OrderRefused naming every line at fault; InvalidRequest when a SKU is sold in another currency;
        Unavailable when surely nothing was done, OutcomeUnknown when the answer was lost.
        """
        ...

    def find_reservation(self, order_id: OrderId) -> Reservation | None:
        """The reservation of an order, read consistently, or None."""
        ...

    def mark_sent(self, order_id: OrderId, sent_in: ReservationState = ReservationState.RESERVED) -> None:
        """Take the order out of the outbox: its message is in SQS.

        `sent_in` is the state whose message was sent; when the state has moved on, another message may wait in
        the outbox and nothing is taken out.
        """
        ...

    def unsent(self, accepted_before: datetime, limit: int) -> Sequence[Reservation]:
        """Accepted orders whose message was not marked sent, oldest first."""
        ...

    def overdue(self, now: datetime, limit: int) -> Sequence[Reservation]:
        """Reservations past `expires_at` that nobody confirmed, oldest first."""
        ...

    def expire(self, order_id: OrderId, message: str, tracking: TrackingView) -> bool:
        """Give back an overdue reservation and put `message` in the outbox, dated `tracking.updated_at`.

        False when it is not RESERVED any more. The tracking view is projected after it, unless a newer one is there.
        """
        ...

    def confirm(self, order_id: OrderId) -> ReservationState:
        """The order is on record: its reservation no longer expires, its message is forgotten. Returns the state that stands:
        CONFIRMED, or RELEASED/EXPIRED when the stock was given back before. Raises NotFound for an unknown order."""
        ...

    def release(self, order_id: OrderId) -> None:
        """Give back everything the order still holds (reserved -> available); it is RELEASED afterwards.

        What was EXPIRED stays so. Its message is forgotten: the book knows. Raises NotFound for an unknown order.
        """
        ...

    def reduce(self, order_id: OrderId, change_id: str, lines: Mapping[Sku, int]) -> None:
        """The order needs these pieces no more (reserved -> available), once per change id.

        Nothing happens when everything was given back before. Raises Refused for more than is held.
        """
        ...

    def ship(self, order_id: OrderId, shipment_id: str, lines: Mapping[Sku, int]) -> None:
        """Pieces left the house (reserved -> sold), once per shipment id. Raises Refused for more than is held."""
        ...

    def take_back(self, order_id: OrderId, return_id: str, lines: Mapping[Sku, int]) -> None:
        """Returned pieces are for sale again (sold -> available), once per return id. Raises Refused for more than was shipped."""
        ...

    def set_up_sku(self, sku: Sku, price_minor: int, currency: str, counters: int = 1) -> None:
        """Make a SKU known with a price and no stock; a known SKU keeps its stock and gets the price."""
        ...

    def restock(self, sku: Sku, quantity: int, movement_id: str) -> None:
        """Add pieces, once per movement id. Raises NotFound for an unknown SKU."""
        ...

    def adjust(self, sku: Sku, difference: int, movement_id: str) -> None:
        """Correct a count by a positive or negative difference, once per movement id. Raises Refused below zero available."""
        ...

    def set_price(self, sku: Sku, price_minor: int) -> None:
        """Change the price that orders must name."""
        ...

    def levels(self, skus: Iterable[Sku]) -> Mapping[Sku, StockLevel]:
        """The levels of known SKUs among these, each SKU read consistently."""
        ...

    def all_levels(self) -> Iterable[StockLevel]:
        """Every SKU's level: the doctor's scan."""
        ...

    def all_reservations(self) -> Iterable[Reservation]:
        """Every reservation: the doctor's scan."""
        ...


@dataclass(frozen=True, slots=True)
class NotificationClaim:
    """A message to a shopper whose sending was begun and of which nobody knows whether it was sent."""

    order_id: OrderId
    event: str
    channel: str
    claimed_at: datetime


class TrackingStore(Protocol):
    """The projection that shoppers watch."""

    def project(self, view: TrackingView) -> bool:
        """Store a view unless a newer version is there already. True when stored."""
        ...

    def get(self, order_id: OrderId) -> TrackingView | None:
        """The view of one order, or None."""
        ...

    def get_many(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, TrackingView]:
        """The views of up to 1,000 orders, eventually consistent: what the live page polls."""
        ...

    def all_views(self) -> Iterable[TrackingView]:
        """Every view: the doctor's scan."""
        ...

    def claim_notification(self, order_id: OrderId, event: str, channel: str, now: datetime) -> bool:
        """Claim the sending of one (order, event, channel). False when it was claimed before (promise I11)."""
        ...

    def finish_notification(
        self, order_id: OrderId, event: str, channel: str, now: datetime, provider_id: str
    ) -> None:
        """Record that it was sent, with the provider's id."""
        ...

    def open_claims(self) -> Iterable[NotificationClaim]:
        """Every claim that was neither finished nor given back: the doctor's scan."""
        ...

    def release_notification(self, order_id: OrderId, event: str, channel: str) -> None:
        """Give a claim back: the provider refused before sending, so that a retry may send."""
        ...


# --- messages (SQS, SNS, SES) ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobMessage:
    """The envelope of every queue message: which job, for which order, with what, and where it came from.

    `id` is unique per logical message and is the key of the worker's inbox: the same id is never applied twice.
    """

    id: str
    job: str
    payload: Mapping[str, Any]
    order_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    enqueued_at: datetime | None = None
    schema_version: int = 1


class OrderQueue(Protocol):
    """The sending side of the queues."""

    def send(
        self, body: str, *, queue: str = "orders", delay_seconds: int = 0, attributes: Mapping[str, str] = ...
    ) -> str:
        """Send one encoded message and return the queue's message id. Raises Unavailable or OutcomeUnknown."""
        ...

    def send_many(self, bodies: Sequence[str], *, queue: str = "orders") -> None:
        """Send any number of encoded messages in batches; raises Unavailable if any was not taken."""
        ...


class EventTopic(Protocol):
    """The topic order-events."""

    def publish(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Publish encoded events (see messages.encode_event) in batches, with their filter attributes."""
        ...


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """A rendered e-mail. `tags` become message tags and X- headers; `unsubscribe_url` the List-Unsubscribe header."""

    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    """Tells the shopper."""

    def send_email(self, message: EmailMessage) -> str:
        """Send and return the provider's id. Raises Unavailable when it certainly was not sent, OutcomeUnknown otherwise."""
        ...

    def send_sms(self, phone: str, text: str, tags: Mapping[str, str]) -> str:
        """Send a text message to an E.164 number and return the provider's id; raises as `send_email` does.

        `tags` travel beside the text, as an e-mail's do: they tie the message to its order and its cause.
        """
        ...


# --- payment ------------------------------------------------------------------------------------------------------


class PaymentOutcome(StrEnum):
    """How a provider call ended."""

    SUCCEEDED = "succeeded"
    REQUIRES_ACTION = "requires_action"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The provider's answer. `reference` is its id of the payment; `action_url` where a challenge waits."""

    outcome: PaymentOutcome
    reference: str
    amount_minor: int
    decline_code: str = ""
    message: str = ""
    action_url: str = ""


class PaymentProvider(Protocol):
    """A payment provider. `idempotency_key` makes every call safe to repeat: the same key gets the same answer."""

    name: str

    def authorise(
        self,
        *,
        order_id: str,
        amount_minor: int,
        currency: str,
        token: str,
        idempotency_key: str,
        return_url: str,
    ) -> PaymentResult:
        """Hold the amount on the card behind `token`. DECLINED is an answer, not an error; Unavailable/OutcomeUnknown are raised."""
        ...

    def resume(self, *, reference: str) -> PaymentResult:
        """What became of a payment: after a challenge, or after a lost answer."""
        ...

    def find(self, *, idempotency_key: str, reference: str = "") -> PaymentResult | None:
        """What a call with this key did, or None when it never arrived. `reference` names the payment, where it is known."""
        ...

    def capture(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """Take held money."""
        ...

    def void(self, *, reference: str, idempotency_key: str) -> PaymentResult:
        """Let held money go."""
        ...

    def refund(self, *, reference: str, amount_minor: int, idempotency_key: str) -> PaymentResult:
        """Pay captured money back, in part or whole."""
        ...


# --- the order book (RDS) -------------------------------------------------------------------------------------------


class Effect(StrEnum):
    """Where an outbox row goes after its transaction has committed."""

    TRACKING = "tracking"
    EVENT = "event"
    CONFIRM_STOCK = "confirm_stock"
    RELEASE_STOCK = "release_stock"
    SHIP_STOCK = "ship_stock"
    TAKE_BACK_STOCK = "take_back_stock"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One effect on the world that a transaction promised. `key` is unique: the same promise is made once."""

    key: str
    effect: Effect
    order_id: OrderId
    payload: Mapping[str, Any]
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class BookedPosting:
    """A posting on its way into the ledger of one order."""

    order_id: OrderId
    posting: Posting
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LineCounts:
    """What became of one line's pieces: shipped, returned (and of those restocked), taken off before shipping
    (cancelled), paid back after (refunded)."""

    shipped: int = 0
    returned: int = 0
    restocked: int = 0
    cancelled: int = 0
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class LineHold:
    """Why a line stays in the house while the rest of its order goes on; `until` is when it goes on by itself."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the book holds it. `counts` has an entry for every SKU of which some pieces have moved.

    `hold_until` is when a held order goes on by itself, None for never; `held_lines` are the lines that wait.

    `notify` is what the shopper chose by channel (`{"email": False}`); a channel that is not named is wanted.
    """

    request: OrderRequest
    state: OrderState
    priced: PricedOrder
    placed_at: datetime
    correlation_id: str = ""
    hold_reason: str = ""
    hold_until: datetime | None = None
    held_lines: Mapping[Sku, LineHold] = field(default_factory=dict)
    counts: Mapping[Sku, LineCounts] = field(default_factory=dict)
    notify: Mapping[str, bool] = field(default_factory=dict)

    @property
    def order_id(self) -> OrderId:
        """The order's id."""
        return self.request.order_id

    def counts_of(self, sku: Sku) -> LineCounts:
        """The counts of one line."""
        return self.counts.get(sku) or LineCounts()


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel. `id` is chosen by whoever asks for it and makes the asking repeatable."""

    id: str
    order_id: OrderId
    lines: Mapping[Sku, int]
    shipped_at: datetime
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    delivered_at: datetime | None = None


class ReturnStatus(StrEnum):
    """The life of a return."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """One return: which pieces and why; of the received ones, how many are `restocked` and how many `written_off`."""

    id: str
    order_id: OrderId
    status: ReturnStatus
    lines: Mapping[Sku, int]
    reason: str
    requested_at: datetime
    comment: str = ""
    decided_at: datetime | None = None
    received_at: datetime | None = None
    restocked: Mapping[Sku, int] = field(default_factory=dict)
    written_off: Mapping[Sku, int] = field(default_factory=dict)


class AttemptStatus(StrEnum):
    """The life of a payment attempt; PENDING is written before the call."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    REQUIRES_ACTION = "requires_action"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class PaymentAttempt:
    """One call to the provider, recorded before it is made. `kind` is authorise, capture, void or refund."""

    id: str
    order_id: OrderId
    kind: str
    provider: str
    reference: str
    amount_minor: int
    currency: str
    status: AttemptStatus
    created_at: datetime
    decline_code: str = ""
    detail: str = ""


class OrderTransaction(Protocol):
    """One database transaction over the book. Nothing is visible or sent before it commits.

    The methods in the plural write a whole batch with one statement per table; the singular ones serve one order.
    """

    def accept_messages(self, message_ids: Sequence[str], job: str) -> set[str]:
        """Write the inbox rows. Returns the ids that were not applied before: do nothing for the others (row W6)."""
        ...

    def add_orders(self, records: Sequence[OrderRecord]) -> set[OrderId]:
        """Insert orders with their lines. Returns the ids that were not there already."""
        ...

    def add_events(self, events: Sequence[OrderEvent]) -> None:
        """Append to the timelines; unique per (order, version, type)."""
        ...

    def add_postings(self, postings: Sequence[BookedPosting]) -> set[tuple[OrderId, str]]:
        """Append to the ledger. Returns the (order, key) pairs that were not posted before."""
        ...

    def add_outbox(self, rows: Sequence[OutboxRow]) -> None:
        """Promise effects; a key promised before is ignored."""
        ...

    def is_promised(self, key: str) -> bool:
        """Whether a promised effect is still to be delivered."""
        ...

    def withdraw(self, key: str) -> None:
        """Take back a promised effect that was not delivered yet; nothing happens when it was."""
        ...

    def get_order(self, order_id: OrderId, *, lock: bool = False) -> OrderRecord | None:
        """Read an order; `lock` holds its row until the end of the transaction."""
        ...

    def preferences(self, emails: Sequence[str]) -> Mapping[str, Mapping[str, bool]]:
        """What the shoppers behind these addresses chose by channel, by address in lower case; most chose nothing."""
        ...

    def get_orders(self, order_ids: Sequence[OrderId]) -> Sequence[OrderRecord]:
        """Read several orders, unlocked, in the order of their ids; unknown ones are left out."""
        ...

    def order_ids(
        self, *, after: OrderId | None = None, limit: int = 500, updated_since: datetime | None = None
    ) -> Sequence[OrderId]:
        """A page of order ids in ascending order: pass the last one as `after` for the next page."""
        ...

    def save_state(
        self,
        order_id: OrderId,
        expected: OrderState,
        new: OrderState,
        at: datetime,
        hold_reason: str | None = None,
        hold_until: datetime | None = None,
    ) -> None:
        """Move an order from one state to the next; raises VersionConflict when it is not in `expected` any more.

        `hold_reason` replaces the reason of the hold and its end, None leaves both.
        """
        ...

    def save_line_holds(self, order_id: OrderId, holds: Mapping[Sku, LineHold | None]) -> None:
        """Hold these lines, or let them go (None)."""
        ...

    def due_holds(self, now: datetime, limit: int) -> Sequence[OrderId]:
        """Open orders with a hold, of the order or of a line, whose end has come; the longest overdue first."""
        ...

    def risk_rules(self) -> Sequence[RiskRule]:
        """The shop's rules for new orders, those that are off included, by code."""
        ...

    def earlier_orders(self, emails: Sequence[str], limit: int) -> Mapping[str, Sequence[datetime]]:
        """When the shoppers behind these addresses ordered before, by address in lower case: the latest `limit` of each."""
        ...

    def add_risk_hits(self, hits: Mapping[OrderId, Sequence[RiskHit]]) -> None:
        """Keep what the rules said of new orders."""
        ...

    def risk_hits(self, order_id: OrderId) -> Sequence[RiskHit]:
        """What the rules said of an order, in the order in which they were kept."""
        ...

    def save_counts(self, order_id: OrderId, counts: Mapping[Sku, LineCounts]) -> None:
        """Replace the counts of these lines."""
        ...

    def save_shipping_address(self, order_id: OrderId, address: Address) -> None:
        """Replace where an order goes."""
        ...

    def postings(self, order_id: OrderId) -> Sequence[Posting]:
        """Every posting of an order, in order."""
        ...

    def events(self, order_id: OrderId) -> Sequence[OrderEvent]:
        """The timeline of an order, oldest first."""
        ...

    def add_attempt(self, attempt: PaymentAttempt) -> None:
        """Record a payment attempt before its call; the same id again is ignored."""
        ...

    def finish_attempt(
        self,
        attempt_id: str,
        status: AttemptStatus,
        at: datetime,
        reference: str = "",
        decline_code: str = "",
        detail: str = "",
    ) -> None:
        """Record how it ended. An empty `reference` leaves the one on record."""
        ...

    def attempts(self, order_id: OrderId) -> Sequence[PaymentAttempt]:
        """Every attempt of an order, oldest first."""
        ...

    def add_shipment(self, shipment: Shipment) -> bool:
        """Record a parcel with its lines. False when this id is on record."""
        ...

    def save_shipment(self, shipment: Shipment) -> None:
        """Replace what may change of a parcel on record: how it travels, and when it arrived."""
        ...

    def shipments(self, order_id: OrderId) -> Sequence[Shipment]:
        """Every parcel of an order, oldest first."""
        ...

    def find_shipment(self, carrier: str, tracking_number: str) -> Shipment | None:
        """The parcel with a carrier's number, or None; no lock, no lines."""
        ...

    def save_return(self, record: ReturnRecord) -> None:
        """Record a return, or what became of it since; its pieces never change."""
        ...

    def returns(self, order_id: OrderId) -> Sequence[ReturnRecord]:
        """Every return of an order, oldest first."""
        ...

    def give_back_coupon(self, order_id: OrderId) -> bool:
        """Let another shopper have the use of a coupon that this order holds. False when it holds none, as at a repeat."""
        ...


class OrderBook(Protocol):
    """The truth of orders and money: a maker of transactions."""

    def transaction(self) -> AbstractContextManager[OrderTransaction]:
        """A transaction that commits when the block ends and rolls back when it raises. Raises Unavailable when the database is away."""
        ...

    def ping(self) -> None:
        """Return when the book answers; raises Unavailable when it does not."""
        ...


# --- carriers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """A label that a carrier made: `document` is a PDF of one page."""

    carrier: str
    tracking_number: str
    tracking_url: str
    document: bytes


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """What a carrier says of one parcel. `id` is the carrier's own and the same at every repeat; `kind` is `delivered`
    or a word that the shop does not act upon."""

    id: str
    carrier: str
    tracking_number: str
    kind: str
    at: datetime


class Carrier(Protocol):
    """A company that takes parcels."""

    name: str

    def make_label(self, *, idempotency_key: str, reference: str, sender: str, recipient: Address) -> Label:
        """Announce a parcel and get its label; the same key gets the same label. Raises Refused, Unavailable."""
        ...

    def read_event(self, body: bytes, signature: str, now: datetime) -> CarrierEvent:
        """What a message says, once it is proven to be the carrier's and of these minutes. Raises InvalidRequest."""
        ...
