"""What the doctor looks at: plain data read from every store, so that the checks are pure functions over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orders.domain.events import EventType
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import StockLevel, StockMovement
from orders.domain.order import OrderState
from orders.ports import NotificationClaim, PaymentAttempt, Reservation, TrackingView


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One order line as the book holds it; amounts in minor units, counts in pieces."""

    sku: Sku
    quantity: int
    unit_price_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    shipped: int
    returned: int
    restocked: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order as the book holds it, with everything that hangs on it."""

    id: OrderId
    state: OrderState
    currency: str
    total_minor: int
    subtotal_minor: int
    shipping_minor: int
    shipping_tax_minor: int
    tax_minor: int
    discount_minor: int
    tax_is_inclusive: bool
    tax_rate_ppm: int
    updated_at: datetime
    is_edited: bool
    lines: Sequence[LineFacts]
    postings: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    """Posting key -> (account, amount) entries."""
    events: Sequence[tuple[int, EventType]] = ()
    """(version, type), oldest first."""
    attempts: Sequence[PaymentAttempt] = ()
    discount_code: str = ""


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """One coupon: its counter, its limit, and the orders that hold a use, with the moment of the claim."""

    code: str
    used: int
    max_uses: int | None
    uses: Mapping[OrderId, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """A payment as the provider's books have it, where they can be read (the embedded test provider)."""

    reference: str
    order_id: str
    status: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How many messages a queue holds."""

    name: str
    waiting: int
    in_flight: int
    dead: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every store at about one moment. Stores are read one after the other: a finding must outlive a second look."""

    taken_at: datetime
    levels: Mapping[Sku, StockLevel]
    reservations: Mapping[OrderId, Reservation]
    tracking: Mapping[OrderId, TrackingView]
    orders: Mapping[OrderId, OrderFacts]
    orphan_attempts: Sequence[PaymentAttempt] = ()
    """Attempts whose order is not in the book."""
    charges: Sequence[ProviderFacts] = ()
    outbox_waiting: int = 0
    outbox_oldest: datetime | None = None
    outbox_orders: frozenset[OrderId] = frozenset()
    """Orders with an effect still to be delivered."""
    queues: Sequence[QueueFacts] = ()
    quarantined: int = 0
    open_claims: Sequence[NotificationClaim] = ()
    """Messages to shoppers of which nobody knows whether they were sent."""
    coupons: Sequence[CouponFacts] = ()
    movements: Mapping[str, StockMovement] = field(default_factory=dict)
    """By id: the staff's deliveries and corrections, as the inventory applied them."""
    journal: Mapping[str, StockMovement] = field(default_factory=dict)
    """By id: the same, as the staff's journal tells them."""
