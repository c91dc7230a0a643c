"""What the order book holds: the rows of an order, as the services read and write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Posting
from orders.domain.order import OrderState
from orders.domain.pricing import PricedOrder
from orders.domain.request import OrderRequest


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
class NewOrder:
    """An order on its way into the book, with what its placing led to."""

    record: OrderRecord
    events: Sequence[OrderEvent] = ()
    postings: Sequence[BookedPosting] = ()
    outbox: Sequence[OutboxRow] = ()


@dataclass(frozen=True, slots=True)
class OrderStep:
    """A step of an order in the book, from one state to the next, with what it led to."""

    order_id: OrderId
    before: OrderState
    after: OrderState
    at: datetime
    hold_reason: str = ""
    hold_until: datetime | None = None
    events: Sequence[OrderEvent] = ()
    postings: Sequence[BookedPosting] = ()
    outbox: Sequence[OutboxRow] = ()


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel. `id` is chosen by whoever asks for it and makes the asking repeatable.

    `warehouse` is the place that it left; empty where nobody needed to say.
    """

    id: str
    order_id: OrderId
    lines: Mapping[Sku, int]
    shipped_at: datetime
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    delivered_at: datetime | None = None
    warehouse: str = ""


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


@dataclass(frozen=True, slots=True)
class OrderFile:
    """An order with its timeline, its ledger and its payment attempts, each oldest first."""

    record: OrderRecord
    events: Sequence[OrderEvent]
    postings: Sequence[Posting]
    attempts: Sequence[PaymentAttempt]
