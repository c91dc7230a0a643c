"""The port to the order book: one transaction for the order, its ledger, its history and what it promised the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from orders.domain.events import OrderEvent
from orders.domain.ids import OrderId, Sku
from orders.domain.ledger import Posting
from orders.domain.request import Address
from orders.domain.risk import RiskHit, RiskRule
from orders.ports.records import (
    AttemptStatus,
    BookedPosting,
    LineCounts,
    LineHold,
    NewOrder,
    OrderFile,
    OrderRecord,
    OrderStep,
    OutboxRow,
    PaymentAttempt,
    ReturnRecord,
    Shipment,
)


class OrderTransaction(Protocol):
    """One database transaction over the book. Nothing is visible or sent before it commits.

    The methods in the plural write a whole batch with one statement per table; the singular ones serve one order.
    """

    def accept_messages(self, message_ids: Sequence[str], job: str) -> set[str]:
        """Write the inbox rows. Returns the ids that were not applied before: do nothing for the others (row W6)."""
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

    def enter_new(self, orders: Sequence[NewOrder]) -> set[OrderId]:
        """Insert orders with their lines, and all that their placing led to. Returns the ids that were not there already; of
        the others nothing is written.
        """
        ...

    def enter_step(self, step: OrderStep) -> None:
        """Move an order from one state to the next, with all that this led to; raises VersionConflict and writes nothing
        when it is not in `step.before` any more. A posting or a promise that was made before is ignored.
        """
        ...

    def open_file(self, order_id: OrderId) -> OrderFile | None:
        """Read an order with its history, its row held until the end of the transaction."""
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
