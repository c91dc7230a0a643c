"""The part of the order book in memory that keeps holds of lines, risk rules and what they said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from orders.adapters.memory.tables import Tables
from orders.domain.ids import OrderId, Sku
from orders.domain.risk import RiskHit, RiskRule
from orders.ports import LineHold


class Holds:
    """Holds and risk over tables in memory; MemoryOrderTransaction builds on it."""

    _tables: Tables

    def save_line_holds(self, order_id: OrderId, holds: Mapping[Sku, LineHold | None]) -> None:
        """See ports.OrderTransaction."""
        record = self._tables.orders[order_id]
        held = {**record.held_lines, **holds}
        kept = {sku: hold for sku, hold in held.items() if hold is not None}
        self._tables.orders[order_id] = replace(record, held_lines=kept)

    def due_holds(self, now: datetime, limit: int) -> Sequence[OrderId]:
        """See ports.OrderTransaction."""
        due = []
        for order_id, record in self._tables.orders.items():
            ends = [record.hold_until, *(hold.until for hold in record.held_lines.values())]
            over = [end for end in ends if end is not None and end <= now]
            if over and not record.state.is_final:
                due.append((min(over), order_id))
        return [order_id for _, order_id in sorted(due)][:limit]

    def risk_rules(self) -> Sequence[RiskRule]:
        """See ports.OrderTransaction."""
        return [self._tables.rules[code] for code in sorted(self._tables.rules)]

    def earlier_orders(self, emails: Sequence[str], limit: int) -> Mapping[str, Sequence[datetime]]:
        """See ports.OrderTransaction."""
        found: dict[str, list[datetime]] = {}
        for record in self._tables.orders.values():
            email = record.request.contact.email.lower()
            if email in {wanted.lower() for wanted in emails}:
                found.setdefault(email, []).append(record.placed_at)
        return {email: sorted(times)[-limit:] for email, times in found.items()}

    def add_risk_hits(self, hits: Mapping[OrderId, Sequence[RiskHit]]) -> None:
        """See ports.OrderTransaction."""
        for order_id, found in hits.items():
            self._tables.hits[order_id] = [*self._tables.hits.get(order_id, ()), *found]

    def risk_hits(self, order_id: OrderId) -> Sequence[RiskHit]:
        """See ports.OrderTransaction."""
        return list(self._tables.hits.get(order_id, ()))
