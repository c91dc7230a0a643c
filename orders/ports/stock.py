"""The port to the stock: pieces that can be sold, and the pieces that each order has reserved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from orders.domain.errors import LineRefusal
from orders.domain.ids import OrderId, Sku
from orders.domain.inventory import MAIN, ReservationState, ReservedLine, StockLevel, StockMovement
from orders.domain.warehouses import Warehouse
from orders.ports.tracking import TrackingView


@dataclass(frozen=True, slots=True)
class Reservation:
    """The one item that is reservation, idempotency record and outbox entry of an accepted order.

    `fingerprint` is the hash of the canonical request body; `message` is the queue message that announces the
    order, kept until the order is confirmed (it holds personal data); `is_sent` tells whether SQS has it.
    `currency` is the one in which the lines' prices are meant, `destination` the country (ISO 3166-1 alpha-2) that the
    goods go to: it chooses the warehouse and is not kept. Nor is `attempt`, the number of the caller's try with this
    order id: a later one may succeed where an earlier one was refused for good.
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
    destination: str = field(default="", compare=False)
    attempt: int = field(default=1, compare=False)

    @property
    def holds_stock(self) -> bool:
        """Whether the held pieces of its lines are counted as reserved."""
        return self.state in {ReservationState.RESERVED, ReservationState.CONFIRMED}


class InventoryStore(Protocol):
    """The truth of stock. Single writer region; every change is one conditional DynamoDB write or transaction."""

    def reserve(self, reservation: Reservation, tracking: TrackingView) -> Reservation:
        """Reserve every line, re-check every price, and record reservation, tracking and outbox, all or nothing.

        `reservation.lines` carry counter 0; the returned reservation carries the counters that were chosen, and
        with them the warehouses (orders/domain/warehouses.py has the rule).
        A repeat of an accepted order returns the stored reservation (compare its fingerprint); one of an attempt that was
        refused for good raises that refusal again.
        Raises OrderRefused naming every line at fault; InvalidRequest when a SKU is sold in another currency;
        Unavailable when surely nothing was done, OutcomeUnknown when the answer was lost.
        """
        ...

    def refuse_for_good(
        self, reservation: Reservation, refusals: Sequence[LineRefusal]
    ) -> Reservation | None:
        """Let no request of this attempt be accepted any more, and keep why; None when that is so.

        When one was accepted before, its reservation is returned and nothing is changed. Raises Unavailable, OutcomeUnknown.
        """
        ...

    def find_reservation(self, order_id: OrderId) -> Reservation | None:
        """The reservation of an order, read consistently, or None."""
        ...

    def find_reservations(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Reservation]:
        """The reservations of those of these orders that have one, each read consistently."""
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

    def ship(
        self, order_id: OrderId, shipment_id: str, lines: Mapping[Sku, int], warehouse: str = ""
    ) -> None:
        """Pieces left the house (reserved -> sold), once per shipment id, those that lie in `warehouse` first.

        Raises Refused for more than is held.
        """
        ...

    def take_back(self, order_id: OrderId, return_id: str, lines: Mapping[Sku, int]) -> None:
        """Returned pieces are for sale again (sold -> available), once per return id. Raises Refused for more than was shipped."""
        ...

    def set_up_sku(
        self, sku: Sku, price_minor: int, currency: str, counters: int = 1, warehouse: str = MAIN
    ) -> None:
        """Make a SKU known with a price and no stock, split over so many counters in a warehouse; a known SKU keeps its stock and gets the price."""
        ...

    def restock(self, sku: Sku, quantity: int, movement_id: str, warehouse: str = MAIN) -> None:
        """Add pieces in a warehouse, once per movement id. Raises NotFound for an unknown SKU."""
        ...

    def adjust(self, sku: Sku, difference: int, movement_id: str, warehouse: str = MAIN) -> None:
        """Correct a warehouse's count by a positive or negative difference, once per movement id.

        Raises Refused below zero available there, NotFound for an unknown SKU.
        """
        ...

    def transfer(self, sku: Sku, quantity: int, movement_id: str, *, origin: str, destination: str) -> None:
        """Move available pieces from one warehouse to another, once per movement id.

        Raises Refused when fewer are available at the origin, NotFound for an unknown SKU.
        """
        ...

    def warehouses(self) -> Sequence[Warehouse]:
        """The shop's warehouses in its order of preference; the main one alone where nobody named another."""
        ...

    def set_warehouses(self, warehouses: Sequence[Warehouse]) -> None:
        """Put this list in place of the one before. Orders heed it within half a minute. Raises Refused (see checked_list)."""
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

    def all_movements(self) -> Iterable[StockMovement]:
        """Every restock, adjustment and transfer that was applied: the doctor's scan."""
        ...
