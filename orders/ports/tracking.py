"""The port to the tracking table: how far each order is, and what its customer was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orders.domain.ids import OrderId


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
