"""What subscribers of the topic and the notifier learn of an order with each event."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from orders.domain.ids import order_number
from orders.domain.pricing import Totals, part_of_line
from orders.domain.request import Address
from orders.links import order_url, shop_url, unsubscribe_url
from orders.ports import OrderRecord
from orders.settings import Settings

_TOTALS = tuple(spec.name for spec in fields(Totals))
_ADDRESS = tuple(spec.name for spec in fields(Address))
_LINE = ("sku", "name", "variant", "unit_price_minor", "image")


def describe(record: OrderRecord, settings: Settings) -> dict[str, Any]:
    """The order as a notification shows it, with the signed link to its page; amounts in minor units. Links lead to the
    shop in the language that the order was placed in.

    The lines are what is left of the order after what was taken off it; the totals are those it was placed with, and
    `taken_off_minor` is what is owed less.
    """
    request, totals, contact = record.request, record.priced.totals, record.request.contact
    return {
        "number": order_number(record.order_id),
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "wants_sms": contact.wants_sms,
        "locale": contact.locale,
        "notify": dict(record.notify),
        "currency": request.currency,
        **{name: getattr(totals, name) for name in _TOTALS},
        "taken_off_minor": _taken_off_minor(record),
        "lines": _lines(record),
        "shipping_name": request.shipping.name,
        "shipping_address": {name: getattr(request.shipping_address, name) for name in _ADDRESS},
        "order_url": order_url(record.order_id, settings, contact.locale),
        "unsubscribe_url": unsubscribe_url(record.order_id, settings, contact.locale),
        "shop_name": settings.shop_name,
        "shop_url": shop_url(settings, contact.locale),
    }


def _lines(record: OrderRecord) -> list[dict[str, Any]]:
    left = [(line, line.quantity - record.counts_of(line.sku).cancelled) for line in record.request.lines]
    return [
        {**{name: getattr(line, name) for name in _LINE}, "quantity": pieces}
        for line, pieces in left
        if pieces
    ]


def _taken_off_minor(record: OrderRecord) -> int:
    return sum(
        part_of_line(priced, line.quantity, 0, record.counts_of(line.sku).cancelled).gross_minor
        for line, priced in zip(record.request.lines, record.priced.lines, strict=True)
    )
