"""The tracking store on DynamoDB: the views that shoppers watch, and the ledger of what they were told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from orders.adapters.dynamodb.items import NOTIFY, milliseconds, moment, tracking_item, tracking_of
from orders.adapters.dynamodb.table import ConditionFailed, Table
from orders.domain.ids import OrderId
from orders.ports import NotificationClaim, TrackingView
from orders.settings import Settings

TRACKING_KEPT = timedelta(days=400)
"""How long a view outlives its last change; the book keeps the order itself."""
NOTIFICATION_KEPT = timedelta(days=400)
"""How long the ledger remembers a message: far longer than any queue can deliver its event again."""


class DynamoTracking:
    """ports.TrackingStore on the table `tracking`."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._table = Table(client, settings.tracking_table, "order_id")

    def project(self, view: TrackingView) -> bool:
        """See ports.TrackingStore."""
        try:
            self._table.put(
                tracking_item(view, view.updated_at + TRACKING_KEPT),
                "attribute_not_exists(#order_id) OR #version < :version",
                version=view.version,
            )
        except ConditionFailed:
            return False
        return True

    def get(self, order_id: OrderId) -> TrackingView | None:
        """See ports.TrackingStore."""
        item = self._table.get(order_id)
        return tracking_of(item) if item else None

    def get_many(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, TrackingView]:
        """See ports.TrackingStore."""
        items = self._table.get_many(order_ids, consistent=False)
        return {OrderId(key): tracking_of(item) for key, item in items.items()}

    def all_views(self) -> Iterator[TrackingView]:
        """See ports.TrackingStore."""
        # The table holds the ledger of notifications too; only a view has a stage.
        return (tracking_of(item) for item in self._table.scan() if "stage" in item)

    def claim_notification(self, order_id: OrderId, event: str, channel: str, now: datetime) -> bool:
        """See ports.TrackingStore.

        The claim carries a token of this call: when the client repeats a write whose answer was lost, it finds its
        own claim there, and must not take it for somebody else's.
        """
        token = uuid.uuid4().hex
        try:
            self._table.put(
                {
                    "order_id": _notification_key(order_id, event, channel),
                    "status": "claimed",
                    "claim": token,
                    "claimed_at": milliseconds(now),
                    "expires_at": int((now + NOTIFICATION_KEPT).timestamp()),
                },
                "attribute_not_exists(#order_id)",
            )
        except ConditionFailed as failed:
            return failed.item is not None and failed.item.get("claim") == token
        return True

    def finish_notification(
        self, order_id: OrderId, event: str, channel: str, now: datetime, provider_id: str
    ) -> None:
        """See ports.TrackingStore."""
        self._table.update(
            _notification_key(order_id, event, channel),
            "SET #status = :sent, #sent_at = :now, #provider_id = :provider_id, #expires_at = :kept_until",
            sent="sent",
            now=milliseconds(now),
            provider_id=provider_id,
            kept_until=int((now + NOTIFICATION_KEPT).timestamp()),
        )

    def open_claims(self) -> Iterator[NotificationClaim]:
        """See ports.TrackingStore."""
        for item in self._table.scan():
            if item.get("status") == "claimed" and item["order_id"].startswith(NOTIFY):
                order_id, event, channel = item["order_id"].removeprefix(NOTIFY).rsplit("#", 2)
                yield NotificationClaim(OrderId(order_id), event, channel, moment(item["claimed_at"]))

    def release_notification(self, order_id: OrderId, event: str, channel: str) -> None:
        """See ports.TrackingStore. What was sent stays in the ledger."""
        try:
            self._table.delete(
                _notification_key(order_id, event, channel),
                "attribute_not_exists(#order_id) OR #status = :claimed",
                claimed="claimed",
            )
        except ConditionFailed:
            return


def _notification_key(order_id: str, event: str, channel: str) -> str:
    return f"{NOTIFY}{order_id}#{event}#{channel}"
