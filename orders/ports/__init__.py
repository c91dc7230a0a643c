"""The ports: what the core needs from the outside world, as Protocols. Adapters implement them, tests run one suite over all.

Every method that writes may be called again with the same arguments and then changes nothing more. Every adapter
translates its vendor's errors into orders.domain.errors; no vendor type crosses this line.
"""

from orders.ports.carrier import Carrier, CarrierEvent, Label
from orders.ports.clock import Clock
from orders.ports.messaging import EmailMessage, EventTopic, JobMessage, Notifier, OrderQueue
from orders.ports.order_book import OrderBook, OrderTransaction
from orders.ports.payment import PaymentOutcome, PaymentProvider, PaymentResult
from orders.ports.records import (
    AttemptStatus,
    BookedPosting,
    Effect,
    LineCounts,
    LineHold,
    NewOrder,
    OrderFile,
    OrderRecord,
    OrderStep,
    OutboxRow,
    PaymentAttempt,
    ReturnRecord,
    ReturnStatus,
    Shipment,
)
from orders.ports.stock import InventoryStore, Reservation
from orders.ports.tracking import NotificationClaim, TrackingStore, TrackingView

__all__ = [
    "AttemptStatus",
    "BookedPosting",
    "Carrier",
    "CarrierEvent",
    "Clock",
    "Effect",
    "EmailMessage",
    "EventTopic",
    "InventoryStore",
    "JobMessage",
    "Label",
    "LineCounts",
    "LineHold",
    "NewOrder",
    "NotificationClaim",
    "Notifier",
    "OrderBook",
    "OrderFile",
    "OrderQueue",
    "OrderRecord",
    "OrderStep",
    "OrderTransaction",
    "OutboxRow",
    "PaymentAttempt",
    "PaymentOutcome",
    "PaymentProvider",
    "PaymentResult",
    "Reservation",
    "ReturnRecord",
    "ReturnStatus",
    "Shipment",
    "TrackingStore",
    "TrackingView",
]
