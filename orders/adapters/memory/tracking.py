"""The tracking store in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from orders.domain.ids import OrderId
from orders.ports import NotificationClaim, TrackingView


class MemoryTracking:
    """ports.TrackingStore for tests and tools. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[OrderId, TrackingView] = {}
        self.notifications: dict[tuple[str, str, str], str | None] = {}
        """The ledger: (order, event, channel) to the provider's id, None while it is only claimed."""
        self._claimed_at: dict[tuple[str, str, str], datetime] = {}

    def project(self, view: TrackingView) -> bool:
        """See ports.TrackingStore."""
        with self._lock:
            found = self._views.get(view.order_id)
            if found is not None and found.version >= view.version:
                return False
            self._views[view.order_id] = view
            return True

    def get(self, order_id: OrderId) -> TrackingView | None:
        """See ports.TrackingStore."""
        with self._lock:
            return self._views.get(order_id)

    def get_many(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, TrackingView]:
        """See ports.TrackingStore."""
        with self._lock:
            return {order_id: self._views[order_id] for order_id in order_ids if order_id in self._views}

    def all_views(self) -> Iterable[TrackingView]:
        """See ports.TrackingStore."""
        with self._lock:
            return list(self._views.values())

    def claim_notification(self, order_id: OrderId, event: str, channel: str, now: datetime) -> bool:
        """See ports.TrackingStore."""
        with self._lock:
            key = (order_id, event, channel)
            is_first = key not in self.notifications
            self.notifications.setdefault(key, None)
            self._claimed_at.setdefault(key, now)
            return is_first

    def finish_notification(
        self, order_id: OrderId, event: str, channel: str, now: datetime, provider_id: str
    ) -> None:
        """See ports.TrackingStore."""
        with self._lock:
            self.notifications[order_id, event, channel] = provider_id

    def release_notification(self, order_id: OrderId, event: str, channel: str) -> None:
        """See ports.TrackingStore."""
        with self._lock:
            if self.notifications.get((order_id, event, channel)) is None:
                self.notifications.pop((order_id, event, channel), None)
                self._claimed_at.pop((order_id, event, channel), None)

    def open_claims(self) -> Iterable[NotificationClaim]:
        """See ports.TrackingStore."""
        with self._lock:
            return [
                NotificationClaim(OrderId(key[0]), key[1], key[2], self._claimed_at[key])
                for key, provider_id in self.notifications.items()
                if provider_id is None
            ]
