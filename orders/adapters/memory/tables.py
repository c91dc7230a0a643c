"""What the order book in memory keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId
from orders.domain.ledger import Posting
from orders.domain.risk import RiskHit, RiskRule
from orders.ports import OrderRecord, OutboxRow, PaymentAttempt, ReturnRecord, Shipment


@dataclass
class Tables:
    """The book's contents. Values are immutable, so a shallow copy of each table is a snapshot."""

    inbox: dict[str, str] = field(default_factory=dict)
    orders: dict[OrderId, OrderRecord] = field(default_factory=dict)
    updated: dict[OrderId, datetime] = field(default_factory=dict)
    events: dict[tuple[OrderId, int, str], OrderEvent] = field(default_factory=dict)
    ledger: dict[tuple[OrderId, str], Posting] = field(default_factory=dict)
    outbox: dict[str, OutboxRow] = field(default_factory=dict)
    attempts: dict[str, PaymentAttempt] = field(default_factory=dict)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    returns: dict[str, ReturnRecord] = field(default_factory=dict)
    preferences: dict[str, Mapping[str, bool]] = field(default_factory=dict)
    rules: dict[str, RiskRule] = field(default_factory=dict)
    hits: dict[OrderId, Sequence[RiskHit]] = field(default_factory=dict)
    coupon_uses: dict[OrderId, str] = field(default_factory=dict)

    def copy(self) -> Tables:
        """A snapshot to go back to."""
        return Tables(**{table.name: dict(getattr(self, table.name)) for table in fields(self)})
