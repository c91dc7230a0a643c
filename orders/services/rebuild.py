"""Rebuilding what can be rebuilt: the tracking projection of every order, from the book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from orders.ports import OrderBook, TrackingStore, TrackingView
from orders.services.tracking_views import view_of

PAGE = 200


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: orders looked at, and views that were older than the book."""

    looked_at: int
    written: int


def rebuild_tracking(
    book: OrderBook, tracking: TrackingStore, *, updated_since: datetime | None = None
) -> Rebuilt:
    """Project every order, or those that changed since a time. Newer views stay; may be cut short and run again."""
    looked_at = written = 0
    for view in views(book, updated_since=updated_since):
        looked_at += 1
        written += tracking.project(view)
    return Rebuilt(looked_at, written)


def views(book: OrderBook, *, updated_since: datetime | None = None) -> Iterator[TrackingView]:
    """The view of every order as the book tells it, page by page, without one long transaction."""
    after = None
    while True:
        with book.transaction() as tx:
            page = tx.order_ids(after=after, limit=PAGE, updated_since=updated_since)
            records = tx.get_orders(page)
            histories = [tx.events(record.order_id) for record in records]
        for record, history in zip(records, histories, strict=True):
            yield view_of(record, history, history[-1].at if history else record.placed_at)
        if len(page) < PAGE:
            return
        after = page[-1]
