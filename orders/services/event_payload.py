"""What subscribers of the topic and the notifier learn of an order with each event."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from orders.domain.ids import order_number
from orders.domain.pricing import Totals
from orders.domain.request import Address
from orders.links import order_url, unsubscribe_url
from orders.ports import OrderRecord
from orders.settings import Settings

_TOTALS = tuple(spec.name for spec in fields(Totals))
_ADDRESS = tuple(spec.name for spec in fields(Address))
_LINE = ("name", "variant", "quantity", "unit_price_minor", "image")


def describe(record: OrderRecord, settings: Settings) -> dict[str, Any]:
    """The order as a notification shows it, with the signed link to its page; amounts in minor units."""
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
        "lines": [{name: getattr(line, name) for name in _LINE} for line in request.lines],
        "shipping_name": request.shipping.name,
        "shipping_address": {name: getattr(request.shipping_address, name) for name in _ADDRESS},
        "order_url": order_url(record.order_id, settings),
        "unsubscribe_url": unsubscribe_url(record.order_id, settings),
        "shop_name": settings.shop_name,
    }
