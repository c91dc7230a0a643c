"""Looking twice at new orders: the shop's risk rules over a batch, inside the transaction that records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from orders.domain.ids import OrderId
from orders.domain.risk import RiskHit, RiskKind, hits_of
from orders.ports import OrderRecord, OrderTransaction

EARLIER_READ = 50
"""Orders of one shopper that are looked at: no rule counts further."""
_NEED_HISTORY = frozenset({RiskKind.VELOCITY, RiskKind.FIRST_ORDER})


def assess(tx: OrderTransaction, records: Sequence[OrderRecord]) -> Mapping[OrderId, Sequence[RiskHit]]:
    """What the rules say of new orders, by order; an order that no rule matches is left out.

    Two orders of one batch see each other. Two that are recorded by two workers at the same moment do not: a velocity
    rule may count one too few then, and counts right at the next order.
    """
    rules = [rule for rule in tx.risk_rules() if rule.is_on]
    if not rules:
        return {}
    earlier = _earlier(tx, records) if any(rule.kind in _NEED_HISTORY for rule in rules) else {}
    found: dict[OrderId, Sequence[RiskHit]] = {}
    for record in sorted(records, key=lambda each: (each.placed_at, each.order_id)):
        known = earlier.setdefault(_email(record), [])
        if hits := hits_of(record.request, record.placed_at, known, rules):
            found[record.order_id] = hits
        known.append(record.placed_at)
    return found


def _earlier(tx: OrderTransaction, records: Sequence[OrderRecord]) -> dict[str, list[datetime]]:
    found = tx.earlier_orders([_email(record) for record in records], EARLIER_READ)
    return {email: list(times) for email, times in found.items()}


def _email(record: OrderRecord) -> str:
    return record.request.contact.email.lower()
