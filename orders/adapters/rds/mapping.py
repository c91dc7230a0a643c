"""Between the domain's order and the rows of the book, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from orders.domain.events import Actor, EventType, OrderEvent
from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.order import FulfilmentStatus, OrderState, OrderStatus, PaymentStatus
from orders.domain.pricing import PricedLine, PricedOrder, TaxRule, Totals
from orders.domain.request import Address, Contact, LineRequest, OrderRequest, PaymentChoice, ShippingChoice
from orders.ports import (
    AttemptStatus,
    BookedPosting,
    LineCounts,
    LineHold,
    OrderRecord,
    OutboxRow,
    PaymentAttempt,
)

Row = Mapping[str, Any]


def state_columns(state: OrderState) -> dict[str, Any]:
    """The columns that hold an order's state."""
    return {
        "version": state.version,
        "status": str(state.order),
        "payment_status": str(state.payment),
        "fulfilment_status": str(state.fulfilment),
        "is_held": state.is_held,
    }


def order_row(record: OrderRecord) -> dict[str, Any]:
    """The row of an order, as JSON data."""
    request, totals, shipping = record.request, record.priced.totals, record.priced.shipping
    at = record.placed_at.isoformat()
    return {
        "id": request.order_id,
        "number": order_number(request.order_id),
        **state_columns(record.state),
        "hold_reason": record.hold_reason,
        "hold_until": record.hold_until.isoformat() if record.hold_until else None,
        "currency": request.currency,
        "subtotal_minor": totals.subtotal_minor,
        "discount_minor": totals.discount_minor,
        "discount_code": request.discount_code,
        "shipping_minor": totals.shipping_minor,
        "shipping_tax_minor": shipping.tax_minor,
        "tax_minor": totals.tax_minor,
        "total_minor": totals.total_minor,
        "tax_code": request.tax.code,
        "tax_rate_ppm": request.tax.rate_ppm,
        "tax_is_inclusive": request.tax.is_inclusive,
        "shipping_code": request.shipping.code,
        "shipping_name": request.shipping.name,
        **{name: getattr(request.contact, name) for name in _CONTACT},
        "country": request.shipping_address.country,
        "shipping_address": _address(request.shipping_address),
        "billing_address": _address(request.billing_address),
        "payment_provider": request.payment.provider,
        "payment_reference": request.payment.reference,
        "note": request.note,
        "client": dict(request.client),
        "correlation_id": record.correlation_id,
        "placed_at": at,
        "updated_at": at,
    }


_CONTACT = ("name", "email", "phone", "wants_sms", "locale", "customer_id")
_LINE = ("sku", "quantity", "unit_price_minor", "name", "variant", "product_slug", "image")
_COUNTS = ("shipped", "returned", "restocked", "cancelled", "refunded")


def _address(address: Address) -> dict[str, str]:
    """As dataclasses.asdict, without its deep copy of every text."""
    return {spec.name: getattr(address, spec.name) for spec in fields(address)}


def line_rows(record: OrderRecord) -> list[dict[str, Any]]:
    """The rows of an order's lines, as JSON data."""
    return [
        {
            "order_id": record.order_id,
            "position": position,
            **{name: getattr(line, name) for name in _LINE},
            "discount_minor": priced.discount_minor,
            "net_minor": priced.net_minor,
            "tax_minor": priced.tax_minor,
        }
        for position, (line, priced) in enumerate(zip(record.request.lines, record.priced.lines, strict=True))
    ]


def to_record(row: Row, lines: Sequence[Row]) -> OrderRecord:
    """An order from its row and the rows of its lines in their order."""
    tax = TaxRule(row["tax_code"], row["tax_rate_ppm"], row["tax_is_inclusive"])
    totals = Totals(
        **{
            name: row[name]
            for name in ("subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor")
        }
    )
    request = OrderRequest(
        order_id=OrderId(str(row["id"])),
        currency=row["currency"],
        lines=tuple(LineRequest(**{name: line[name] for name in _LINE}) for line in lines),
        contact=Contact(**{name: row[name] for name in _CONTACT}),
        shipping_address=Address(**row["shipping_address"]),
        billing_address=Address(**row["billing_address"]),
        shipping=ShippingChoice(row["shipping_code"], row["shipping_name"], row["shipping_minor"]),
        tax=tax,
        payment=PaymentChoice(row["payment_provider"], row["payment_reference"], row["total_minor"]),
        discount_minor=row["discount_minor"],
        discount_code=row["discount_code"],
        total_minor=row["total_minor"],
        note=row["note"],
        client=row["client"],
    )
    return OrderRecord(
        request=request,
        state=OrderState(
            OrderStatus(row["status"]),
            PaymentStatus(row["payment_status"]),
            FulfilmentStatus(row["fulfilment_status"]),
            row["is_held"],
            row["version"],
        ),
        priced=PricedOrder(totals, tuple(_priced(line) for line in lines), _priced_shipping(row, tax)),
        placed_at=row["placed_at"],
        correlation_id=row["correlation_id"],
        hold_reason=row["hold_reason"],
        hold_until=row["hold_until"],
        held_lines={
            Sku(line["sku"]): LineHold(line["hold_reason"], line["hold_until"])
            for line in lines
            if line["hold_reason"]
        },
        counts={
            Sku(line["sku"]): LineCounts(**{name: line[name] for name in _COUNTS})
            for line in lines
            if any(line[name] for name in _COUNTS)
        },
        notify=row.get("notify") or {},
    )


def _priced(line: Row) -> PricedLine:
    return PricedLine(
        line["quantity"] * line["unit_price_minor"],
        line["discount_minor"],
        line["net_minor"],
        line["tax_minor"],
    )


def _priced_shipping(row: Row, tax: TaxRule) -> PricedLine:
    charged, part = row["shipping_minor"], row["shipping_tax_minor"]
    return PricedLine(charged, 0, charged - part if tax.is_inclusive else charged, part)


def event_row(event: OrderEvent) -> dict[str, Any]:
    """The row of a timeline event, as JSON data."""
    return {
        "order_id": event.order_id,
        "version": event.version,
        "type": str(event.type),
        "at": event.at.isoformat(),
        "actor_kind": event.actor.kind,
        "actor_id": event.actor.id,
        "reason": event.reason,
        "data": dict(event.data),
        "correlation_id": event.correlation_id,
    }


def to_event(row: Row) -> OrderEvent:
    """A timeline event from its row."""
    return OrderEvent(
        order_id=OrderId(str(row["order_id"])),
        type=EventType(row["type"]),
        version=row["version"],
        at=row["at"],
        actor=Actor(row["actor_kind"], row["actor_id"]),
        reason=row["reason"],
        correlation_id=row["correlation_id"],
        data=row["data"],
    )


def posting_rows(postings: Iterable[BookedPosting]) -> list[dict[str, Any]]:
    """The rows of postings' entries, as JSON data."""
    return [
        {
            "order_id": booked.order_id,
            "posting_key": booked.posting.key,
            "account": str(entry.account),
            "amount_minor": entry.amount_minor,
            "currency": booked.currency,
            "at": booked.at.isoformat(),
        }
        for booked in postings
        for entry in booked.posting.entries
    ]


def outbox_row(row: OutboxRow) -> dict[str, Any]:
    """The row of a promised effect, as JSON data."""
    return {
        "key": row.key,
        "effect": str(row.effect),
        "order_id": row.order_id,
        "payload": dict(row.payload),
        "correlation_id": row.correlation_id,
    }


def to_attempt(row: Row) -> PaymentAttempt:
    """A payment attempt from its row."""
    same = (
        "id",
        "kind",
        "provider",
        "reference",
        "amount_minor",
        "currency",
        "created_at",
        "decline_code",
        "detail",
    )
    return PaymentAttempt(
        **{name: row[name] for name in same},
        order_id=OrderId(str(row["order_id"])),
        status=AttemptStatus(row["status"]),
    )
