"""The papers of an order as PDF: packing slip and invoice, one order or a pile of them in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fpdf import XPos, YPos

from orders.adapters.papers.paper import MARGIN, Paper
from orders.domain.ids import OrderId, Sku, order_number
from orders.domain.pricing import part_of_line
from orders.formats import day, money, percent
from orders.ports import OrderRecord

Contents = tuple[str, Mapping[Sku, int] | None]
"""Of a parcel: the name of the warehouse that it leaves (empty where nobody needs to know), and its pieces (None for all
that is still to ship)."""
ALL_THAT_IS_LEFT: Sequence[Contents] = (("", None),)


def packing_slip(
    record: OrderRecord, shop_name: str, parcels: Sequence[Contents] = ALL_THAT_IS_LEFT
) -> bytes:
    """What is in each parcel, on a page of its own, without prices: a present stays one."""
    paper = Paper(shop_name, f"Packing slip {order_number(record.order_id)}")
    for contents in parcels:
        draw_slip(paper, record, contents)
    return bytes(paper.output())


def invoice(record: OrderRecord, shop_name: str) -> bytes:
    """The invoice: the lines that were not taken off, delivery, tax and total, from the order's own prices.

    Its number is the order's: one order has one invoice.
    """
    paper = Paper(shop_name, f"Invoice {order_number(record.order_id)}")
    draw_invoice(paper, record)
    return bytes(paper.output())


def pile(
    records: Iterable[OrderRecord],
    shop_name: str,
    kinds: Sequence[str],
    parcels: Mapping[OrderId, Sequence[Contents]] | None = None,
) -> bytes:
    """The papers of many orders in one file, order by order: `slip`, `invoice` or both. `parcels` are of those that need
    more than one slip."""
    paper = Paper(shop_name, "Papers")
    for record in records:
        if "slip" in kinds:
            for contents in (parcels or {}).get(record.order_id, ALL_THAT_IS_LEFT):
                draw_slip(paper, record, contents)
        if "invoice" in kinds:
            draw_invoice(paper, record)
    return bytes(paper.output())


def draw_slip(paper: Paper, record: OrderRecord, contents: Contents) -> None:
    """A packing slip, on a page of its own."""
    place, parcel = contents
    paper.begin("Packing slip", order_number(record.order_id))
    request = record.request
    end = paper.address("Deliver to", request.shipping_address, MARGIN)
    paper.set_xy(120, paper.get_y())
    paper.set_font("DejaVu", "", 9)
    facts = [f"Ordered {day(record.placed_at)}", request.shipping.name, *([f"From {place}"] if place else [])]
    paper.multi_cell(0, 5, "\n".join(facts), align="R")
    paper.set_y(max(end, paper.get_y()) + 8)
    rows: list[tuple[str, ...]] = []
    for line in request.lines:
        counts = record.counts_of(line.sku)
        pieces = (
            line.quantity - counts.shipped - counts.cancelled if parcel is None else parcel.get(line.sku, 0)
        )
        if pieces:
            rows.append((line.sku, f"{line.name} {line.variant}".strip(), str(pieces)))
    paper.rows(("SKU", "Item", "Pieces"), (48, 102, 24), rows)
    if request.note:
        paper.ln(6)
        paper.multi_cell(0, 5, f"Your note: {request.note}")


def draw_invoice(paper: Paper, record: OrderRecord) -> None:
    """An invoice, on a page of its own."""
    paper.begin("Invoice", order_number(record.order_id))
    request, currency = record.request, record.request.currency
    end = paper.address("Invoice to", request.billing_address, MARGIN)
    other = paper.address("Delivered to", request.shipping_address, 110)
    paper.set_y(max(end, other) + 6)
    paper.set_font("DejaVu", "", 9)
    paper.cell(
        0, 5, f"Ordered {day(record.placed_at)} {record.placed_at:%Y}", new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )
    paper.ln(4)
    rows: list[tuple[str, ...]] = []
    net, tax = 0, 0
    for line, priced in zip(request.lines, record.priced.lines, strict=True):
        taken_off = record.counts_of(line.sku).cancelled
        if taken_off == line.quantity:
            continue
        kept = part_of_line(priced, line.quantity, taken_off, line.quantity) if taken_off else priced
        net, tax = net + kept.net_minor, tax + kept.tax_minor
        pieces = line.quantity - taken_off
        rows.append(
            (line.sku, f"{line.name} {line.variant}".strip(), str(pieces),
             money(line.unit_price_minor, currency), money(kept.gross_minor, currency))
        )  # fmt: skip
    shipping = record.priced.shipping
    net, tax = net + shipping.net_minor, tax + shipping.tax_minor
    rows.append(("", request.shipping.name, "", "", money(shipping.gross_minor, currency)))
    paper.rows(("SKU", "Item", "Pieces", "Each", "Amount"), (40, 70, 18, 22, 24), rows)
    paper.ln(4)
    for label, amount, style in (
        ("Net", net, ""),
        (f"Tax, {percent(request.tax.rate_ppm)}", tax, ""),
        ("Total", net + tax, "B"),
    ):
        paper.set_font("DejaVu", style, 10)
        paper.cell(140, 6, label, align="R")
        paper.cell(0, 6, money(amount, currency), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if request.discount_minor:
        paper.set_font("DejaVu", "", 8)
        code = f" ({request.discount_code})" if request.discount_code else ""
        paper.cell(0, 6, f"Amounts are after a discount of {money(request.discount_minor, currency)}{code}.")
