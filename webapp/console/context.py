"""What every template of the console knows without being told."""

from __future__ import annotations

from typing import Any

from flask import g

from orders.domain.ids import order_number
from webapp.console.door import console, staff_may
from webapp.console.navigation import navigation
from webapp.console.warehouses.names import place_name
from webapp.console.words import ago, span, tone_of, words
from webapp.wiring import wiring


@console.context_processor
def context() -> dict[str, Any]:
    """Who is at the keyboard, what they may do, and how the console speaks."""
    return {
        "staff": g.get("staff"),
        "staff_may": staff_may,
        "navigation": navigation(),
        "shop_name": wiring().settings.shop_name,
        "zone_name": wiring().settings.time_zone,
        "ago": ago,
        "span": span,
        "tone_of": tone_of,
        "words": words,
        "number_of": order_number,
        "place_name": place_name,
    }


@console.app_template_filter("sentence")
def sentence(text: str) -> str:
    """A message with a capital at its beginning; the rest, which may hold SKUs and names, stays as it is."""
    return text[:1].upper() + text[1:]
