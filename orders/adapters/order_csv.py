"""Orders as lines of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from orders.domain.money import format_plain

HEADER = (
    "number", "order_id", "placed_at", "status", "payment", "fulfilment", "held", "hold_reason", "currency", "total",
    "customer", "email", "country", "delivery", "code",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection): a shopper chose some of these."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def csv_text(rows: Iterable[Any], zone: tzinfo, *, has_header: bool) -> str:
    """Rows of orders as text. Amounts are plain decimals, times ISO 8601 in a time zone, with its offset."""
    out = io.StringIO()
    writer = csv.writer(out)
    if has_header:
        writer.writerow(HEADER)
    writer.writerows(
        [
            row.number, row.id, row.placed_at.astimezone(zone).isoformat(), row.status,
            row.payment_status, row.fulfilment_status,
            "yes" if row.is_held else "no", harmless(row.hold_reason), row.currency,
            format_plain(row.total_minor, row.currency), harmless(row.name), harmless(row.email), row.country,
            row.shipping_name, harmless(row.discount_code),
        ]
        for row in rows
    )  # fmt: skip
    return out.getvalue()
