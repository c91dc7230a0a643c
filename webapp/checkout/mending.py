"""What a refusal means to the shopper, and the one click that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.domain.errors import RefusalReason
from webapp.cart.models import Cart
from webapp.cart.queries import set_quantity
from webapp.checkout.models import Checkout
from webapp.formats import money
from webapp.languages import _


@dataclass(frozen=True, slots=True)
class Explained:
    """One refused line: what it is, why it cannot be had, and what the click will do about it."""

    name: str
    variant: str
    image: str
    why: str
    mend: str


def explain(checkout: Checkout) -> list[Explained]:
    """The refusals of a checkout in the shopper's words."""
    lines = {line["sku"]: line for line in checkout.lines}
    explained = []
    for refusal in checkout.refusals:
        line = lines.get(refusal["sku"], {})
        why, mend_text = _words(refusal, line, checkout.currency)
        explained.append(
            Explained(
                line.get("name", refusal["sku"]),
                line.get("variant", ""),
                line.get("image", ""),
                why,
                mend_text,
            )
        )
    return explained


def _words(refusal: Mapping[str, Any], line: Mapping[str, Any], currency: str) -> tuple[str, str]:
    left = refusal.get("available") or 0
    if refusal["reason"] == RefusalReason.PRICE_CHANGED and refusal.get("price_minor") is not None:
        now = money(refusal["price_minor"], currency)
        was = money(line.get("unit_price_minor", 0), currency)
        return _("It costs %(now)s now; it was %(was)s.", now=now, was=was), _("Buy it for %(now)s", now=now)
    if refusal["reason"] == RefusalReason.OUT_OF_STOCK and left > 0:
        why = _("Only %(left)s left; you asked for %(wanted)s.", left=left, wanted=refusal["requested"])
        return why, _("Buy %(left)s", left=left)
    if refusal["reason"] == RefusalReason.OUT_OF_STOCK:
        return _("The last one was just sold."), _("Leave it out")
    return _("It is not sold any more."), _("Leave it out")


def mend(cart: Cart, refusals: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Make a locked cart one that can be had. A new price needs no change here: the snapshot takes today's."""
    held = {line.sku for line in cart.lines}
    for refusal in refusals:
        if refusal["sku"] not in held or refusal["reason"] == RefusalReason.PRICE_CHANGED:
            continue
        left = refusal.get("available") or 0
        wanted = left if refusal["reason"] == RefusalReason.OUT_OF_STOCK else 0
        set_quantity(cart, cart.version, refusal["sku"], wanted, now)
