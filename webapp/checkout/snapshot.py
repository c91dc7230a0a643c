"""The frozen lines of a checkout: what the shopper reviewed is what is charged, and a difference is told, never applied silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from webapp.cart.queries import CartView
from webapp.formats import money, pieces
from webapp.languages import _

Line = Mapping[str, Any]


def snapshot_of(cart: CartView) -> list[dict[str, Any]]:
    """The cart's lines as they would be ordered now, as plain data."""
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price_minor": line.offer.price_minor,
            "name": line.offer.name[:200],
            "variant": line.offer.variant[:120],
            "product_slug": line.offer.product_slug,
            "image": line.offer.image,
            "weight_grams": line.offer.weight_grams,
        }
        for line in cart.lines
        if line.offer is not None and not line.is_gone
    ]


def differences(before: Sequence[Line], after: Sequence[Line], currency: str) -> list[str]:
    """What changed between two snapshots, one sentence for each fact, in the shopper's words."""
    old = {line["sku"]: line for line in before}
    new = {line["sku"]: line for line in after}
    told = [
        _("%(item)s is not in your cart any more.", item=_title(line))
        for sku, line in old.items()
        if sku not in new
    ]
    for sku, line in new.items():
        earlier = old.get(sku)
        if earlier is None:
            added = pieces(line["quantity"])
            told.append(_("%(item)s was added to your cart (%(pieces)s).", item=_title(line), pieces=added))
            continue
        if earlier["quantity"] != line["quantity"]:
            count, before = line["quantity"], earlier["quantity"]
            told.append(_("%(item)s: %(now)s instead of %(was)s.", item=_title(line), now=count, was=before))
        if earlier["unit_price_minor"] != line["unit_price_minor"]:
            now, was = (money(x["unit_price_minor"], currency) for x in (line, earlier))
            told.append(_("%(item)s costs %(now)s now; it was %(was)s.", item=_title(line), now=now, was=was))
    return told


def is_same_order(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether both would charge for the same pieces at the same prices."""
    return _essence(before) == _essence(after)


def _essence(lines: Sequence[Line]) -> dict[str, tuple[int, int]]:
    return {line["sku"]: (line["quantity"], line["unit_price_minor"]) for line in lines}


def _title(line: Line) -> str:
    return f"{line['name']} ({line['variant']})" if line["variant"] else str(line["name"])
