"""Packing slip and invoice as PDF, drawn with fpdf2 and the DejaVu fonts (every European name can be written)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fpdf import FPDF, XPos, YPos

from orders.domain.ids import Sku, order_number
from orders.domain.pricing import part_of_line
from orders.domain.request import Address
from orders.ports import OrderRecord
from webapp.formats import day, money, percent

FONTS = Path(__file__).parent / "fonts"
_MARGIN = 18
_INK, _QUIET, _LINE = (42, 31, 40), (103, 90, 96), (228, 218, 206)


class Paper(FPDF):
    """An A4 page with the shop's head and foot."""

    def __init__(self, shop_name: str, title: str, number: str) -> None:
        super().__init__(format="A4")
        self._shop_name, self._title, self._number = shop_name, title, number
        self.add_font("DejaVu", "", FONTS / "DejaVuSansCondensed.ttf")
        self.add_font("DejaVu", "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=22)
        self.set_title(f"{title} {number}")
        self.set_author(shop_name)
        self.add_page()

    def header(self) -> None:
        """The shop on the left, what this is on the right."""
        self.set_text_color(*_INK)
        self.set_font("DejaVu", "B", 15)
        self.cell(90, 9, self._shop_name)
        self.set_font("DejaVu", "", 11)
        self.cell(0, 9, f"{self._title} {self._number}", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*_LINE)
        self.line(_MARGIN, self.get_y() + 1, self.w - _MARGIN, self.get_y() + 1)
        self.ln(7)

    def footer(self) -> None:
        """The page number."""
        self.set_y(-15)
        self.set_font("DejaVu", "", 8)
        self.set_text_color(*_QUIET)
        self.cell(0, 8, f"{self._number} · page {self.page_no()} of {{nb}}", align="C")

    def address(self, label: str, given: Address, left: float) -> float:
        """An address block at `left` millimetres; returns where it ends."""
        top = self.get_y()
        lines = [
            given.name,
            given.line1,
            given.line2,
            f"{given.postal_code} {given.city}",
            given.region,
            given.country,
        ]
        self.set_xy(left, top)
        self.set_font("DejaVu", "", 8)
        self.set_text_color(*_QUIET)
        self.cell(80, 5, label, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_font("DejaVu", "", 10)
        self.set_text_color(*_INK)
        for line in filter(None, lines):
            self.cell(80, 5, line, new_x=XPos.LEFT, new_y=YPos.NEXT)
        end: float = self.get_y()
        self.set_y(top)
        return end

    def rows(self, head: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
        """A table; every column but the first two is right-aligned."""
        aligns = ["LEFT" if index < 2 else "RIGHT" for index in range(len(head))]
        self.set_font("DejaVu", "", 9)
        with self.table(
            col_widths=tuple(widths), text_align=tuple(aligns), borders_layout="HORIZONTAL_LINES", line_height=5.5,
            padding=(1, 1),
        ) as table:  # fmt: skip
            for row in (head, *rows):
                table.row(row)


def packing_slip(record: OrderRecord, shop_name: str, parcel: Mapping[Sku, int] | None = None) -> bytes:
    """What is in the parcel (all that is still to ship when no parcel is named), without prices: a present stays one."""
    paper = Paper(shop_name, "Packing slip", order_number(record.order_id))
    request = record.request
    end = paper.address("Deliver to", request.shipping_address, _MARGIN)
    paper.set_xy(120, paper.get_y())
    paper.set_font("DejaVu", "", 9)
    paper.multi_cell(0, 5, f"Ordered {day(record.placed_at)}\n{request.shipping.name}", align="R")
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
    return bytes(paper.output())


def invoice(record: OrderRecord, shop_name: str) -> bytes:
    """The invoice: the lines that were not taken off, delivery, tax and total, from the order's own prices.

    Its number is the order's: one order has one invoice.
    """
    paper = Paper(shop_name, "Invoice", order_number(record.order_id))
    request, currency = record.request, record.request.currency
    end = paper.address("Invoice to", request.billing_address, _MARGIN)
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
    return bytes(paper.output())
