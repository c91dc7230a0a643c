"""A shipping label as PDF: A6, the number as a barcode that any scanner of a warehouse reads (Code 39)."""

from __future__ import annotations

from fpdf import FPDF, XPos, YPos

from orders.adapters.papers.paper import FONTS
from orders.countries import country_name
from orders.domain.request import Address

_WIDTH, _HEIGHT, _MARGIN = 105, 148, 8
_NARROW = 0.33
"""Width of the narrow bars in millimetres: thermal printers of 203 dpi draw them with nearly three dots."""


def draw_label(*, carrier: str, number: str, reference: str, sender: str, recipient: Address) -> bytes:
    """The label of one parcel."""
    paper = FPDF(format=(_WIDTH, _HEIGHT))
    paper.add_font("DejaVu", "", FONTS / "DejaVuSansCondensed.ttf")
    paper.add_font("DejaVu", "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
    paper.set_title(f"Label {number}")
    paper.set_margins(_MARGIN, _MARGIN)
    paper.set_auto_page_break(auto=False)
    paper.add_page()
    _text(paper, carrier, 14, "B")
    _text(paper, f"From {sender} · {reference}", 8)
    _rule(paper)
    _text(paper, "Deliver to", 8)
    for line in _lines(recipient):
        _text(paper, line, 13, "B" if line == recipient.name else "")
    paper.set_y(96)
    _rule(paper)
    width = _code39_width(number)
    paper.code39(f"*{number}*", x=(_WIDTH - width) / 2, y=104, w=_NARROW * 3, h=24)
    paper.set_y(130)
    paper.set_font("DejaVu", "B", 12)
    paper.cell(0, 7, " ".join((number[:2], number[2:6], number[6:11], number[11:])), align="C")
    return bytes(paper.output())


def _lines(address: Address) -> list[str]:
    town = f"{address.postal_code} {address.city}".strip()
    return [
        line
        for line in (
            address.name,
            address.line1,
            address.line2,
            town,
            address.region,
            country_name(address.country),
        )
        if line
    ]


def _text(paper: FPDF, text: str, size: int, style: str = "") -> None:
    paper.set_font("DejaVu", style, size)
    paper.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _rule(paper: FPDF) -> None:
    paper.ln(2)
    paper.line(_MARGIN, paper.get_y(), _WIDTH - _MARGIN, paper.get_y())
    paper.ln(3)


def _code39_width(number: str) -> float:
    """fpdf2 draws a wide bar as `w`, a narrow one as a third of it: a character is three wide, six narrow and a gap."""
    return (len(number) + 2) * (3 * 3 + 6 + 1) * _NARROW
