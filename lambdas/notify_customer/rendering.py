"""What the shopper reads: one template per event, poured into an HTML, a text, a subject and a text-message layout.

A template holds only words, as blocks; the layouts hold the form. So an e-mail's HTML and its plain text can never
say different things. The words are English; catalogue.py has them in the language of the order's locale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lambdas.notify_customer.catalogue import catalogue, letter_language
from orders.countries import country_name
from orders.delivery_methods import delivery_words
from orders.domain.errors import Poison
from orders.domain.events import NOTIFIED
from orders.domain.ids import order_number
from orders.formats import called, carrier_name, letter_money, long_day
from orders.ports import EmailMessage

TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_SUBJECT = 150

_ORDER_DEFAULTS: Mapping[str, Any] = {
    "number": "",
    "name": "",
    "email": "",
    "locale": "en",
    "currency": "EUR",
    "total_minor": 0,
    "subtotal_minor": 0,
    "shipping_minor": 0,
    "tax_minor": 0,
    "discount_minor": 0,
    "taken_off_minor": 0,
    "lines": (),
    "shipping_name": "",
    "shipping_address": "",
    "shop_url": "",
    "order_url": "",
    "unsubscribe_url": "",
}
_LINE_DEFAULTS: Mapping[str, Any] = {
    "sku": "",
    "name": "",
    "variant": "",
    "quantity": 1,
    "unit_price_minor": 0,
}
_DATA_DEFAULTS: Mapping[str, Any] = {
    "amount_minor": 0,
    "carrier": "",
    "tracking_number": "",
    "tracking_url": "",
    "return_number": "",
    "is_paid_back": False,
}

_FORM_DEFAULTS: Mapping[str, Any] = {
    "step": 0,
    "shows_order": False,
    "shows_money": False,
    "shows_parcel": False,
    "shows_address": True,
}
"""What a template may switch: the progress bar, the lines, the sums and the parcel's number on, the lines' address off."""


class JinjaRenderer:
    """services.notify_customer.Renderer from the templates of this folder."""

    def __init__(self, shop_name: str, public_url: str) -> None:
        self._shop = {"shop_name": shop_name, "public_url": public_url}

    def email(self, event: Mapping[str, Any]) -> EmailMessage:
        """The e-mail for an event. Raises Poison for an event that nobody is told about."""
        context = self._context(event)
        subject = " ".join(_render(event, "subject.txt", context).split())
        return EmailMessage(
            to=context["order"]["email"],
            subject=subject[:_LONGEST_SUBJECT],
            text=_tidy(_render(event, "layout.txt", context)),
            html=_render(event, "layout.html", context),
            headers=_headers(event, context["order"]),
            tags={
                "event": event["event"],
                "order_id": event.get("order_id", ""),
                "correlation_id": event.get("correlation_id", ""),
            },
        )

    def sms(self, event: Mapping[str, Any]) -> str:
        """The text message for an event. Raises Poison for an event that nobody is told about."""
        return " ".join(_render(event, "sms.txt", self._context(event)).split())

    def _context(self, event: Mapping[str, Any]) -> dict[str, Any]:
        order = {**_ORDER_DEFAULTS, **event["order"]}
        language = letter_language(order["locale"])
        shop_url = order["shop_url"] or self._shop["public_url"]
        order["number"] = order["number"] or order_number(event["order_id"])
        order["lines"] = [{**_LINE_DEFAULTS, **line} for line in order["lines"]]
        order["order_url"] = order["order_url"] or shop_url
        order["shipping_name"] = delivery_words(order["shipping_name"], language)
        order["address_lines"] = _address_lines(order["shipping_address"], language)
        data = {**_DATA_DEFAULTS, **event.get("data", {})}
        data["carrier"] = carrier_name(data["carrier"])
        goods = order["subtotal_minor"] - order["discount_minor"]

        def money(amount_minor: int) -> str:
            return letter_money(amount_minor, order["currency"], language)

        return {
            **_FORM_DEFAULTS,
            "language": language,
            "shop_name": order.get("shop_name") or self._shop["shop_name"],
            "shop_url": shop_url,
            "order": order,
            "data": data,
            "lines": _lines_told(order["lines"], data.get("lines")),
            "called": called(order["name"], language),
            "on": long_day(datetime.fromisoformat(event["at"]), language),
            "money": money,
            "tax_is_included": order["total_minor"] == goods + order["shipping_minor"],
        }


def _lines_told(lines: Sequence[Mapping[str, Any]], pieces: Mapping[str, int] | None) -> list[dict[str, Any]]:
    """The lines that an event is about, such as a parcel's: its pieces by SKU (services/ship_order.py), or all lines.

    An event of an older release names its lines without a SKU: then all of them, with no quantity made up.
    """
    told = [{**line, "quantity": pieces[line["sku"]]} for line in lines if pieces and line["sku"] in pieces]
    return told or [dict(line) for line in lines]


def _headers(event: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        "X-Correlation-Id": event.get("correlation_id", ""),
        "X-Order-Number": order["number"],
        # Out-of-office replies are not wanted (RFC 3834).
        "Auto-Submitted": "auto-generated",
    }
    if order["unsubscribe_url"]:
        headers["List-Unsubscribe"] = f"<{order['unsubscribe_url']}>"
        # One click in the mail program, without opening the page (RFC 8058).
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return {name: value for name, value in headers.items() if value}


def _address_lines(address: Any, language: str) -> list[str]:
    """A postal address as lines, from a text or from the fields of domain.request.Address."""
    if isinstance(address, str):
        return [line.strip() for line in address.splitlines() if line.strip()]
    town = f"{address.get('postal_code', '')} {address.get('city', '')}"
    fields = [address.get("name"), address.get("line1"), address.get("line2"), town]
    fields += [address.get("region"), country_name(address.get("country") or "", language)]
    return [line.strip() for line in fields if line and line.strip()]


def _render(event: Mapping[str, Any], layout: str, context: Mapping[str, Any]) -> str:
    if event["event"] not in NOTIFIED:
        raise Poison(f"nobody is told about {event['event']!r}")
    environment = _environment(context["language"], is_html=layout.endswith(".html"))
    return environment.get_template(f"{event['event']}.words").render(**context, layout=layout)


def _tidy(text: str) -> str:
    """Plain text without the holes that unused blocks leave."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    return "\n".join(kept) + "\n"


@cache
def _environment(language: str, *, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=is_html,  # noqa: S701  (plain text has nothing to escape and must not show entities)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # The new style escapes what is put into a sentence, in HTML, and never the sentence.
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    return environment
