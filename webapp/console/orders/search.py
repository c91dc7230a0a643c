"""How the order list shows a search: its columns, its page sizes, and the cursor of a page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orders.adapters.rds.order_search import SORTS, OrderSearch

__all__ = [
    "ASIDES",
    "COLUMNS",
    "DEFAULT_COLUMNS",
    "PAGE_SIZES",
    "SORTS",
    "Cursor",
    "OrderSearch",
    "columns_of",
]

DEFAULT_COLUMNS = (
    "number",
    "placed",
    "customer",
    "status",
    "payment",
    "fulfilment",
    "total",
    "shipping",
    "country",
)
COLUMNS: Mapping[str, str] = {
    "number": "Order",
    "placed": "Placed",
    "customer": "Customer",
    "email": "E-mail",
    "status": "Status",
    "payment": "Payment",
    "fulfilment": "Fulfilment",
    "hold": "Hold",
    "total": "Total",
    "shipping": "Delivery",
    "country": "To",
    "discount": "Code",
    "updated": "Changed",
}
ASIDES = ("placed", "customer", "email", "hold", "shipping", "country", "discount", "updated")
"""Columns that a narrow page shows in small under the order's number."""
PAGE_SIZES = (25, 50, 100)


def columns_of(given: Sequence[str]) -> tuple[str, ...]:
    """The chosen columns in their fixed order; the number is always there."""
    chosen = [name for name in COLUMNS if name in given] or list(DEFAULT_COLUMNS)
    return tuple(chosen if "number" in chosen else ["number", *chosen])


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (or before) the row with this sort value and id."""

    value: datetime | int
    id: UUID
    is_backwards: bool = False

    def encode(self) -> str:
        """The cursor as it stands in a link."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        return base64.urlsafe_b64encode(
            json.dumps([value, str(self.id), self.is_backwards]).encode()
        ).decode()

    @classmethod
    def decode(cls, text: str | None) -> Cursor | None:
        """The cursor of a link, or None for none or for one that was tampered with: then the first page is shown."""
        try:
            value, order_id, is_backwards = json.loads(base64.urlsafe_b64decode(text or ""))
            known = datetime.fromisoformat(value) if isinstance(value, str) else int(value)
            return cls(known, UUID(order_id), bool(is_backwards))
        except (ValueError, TypeError):
            return None
