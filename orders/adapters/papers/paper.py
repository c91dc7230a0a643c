"""Paper: an A4 page with the shop's head and foot, drawn with fpdf2 and the DejaVu fonts (every European name can be written)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF, XPos, YPos

from orders.countries import country_name
from orders.domain.request import Address

FONTS = Path(__file__).parent / "fonts"
MARGIN = 18
_INK, _QUIET, _LINE = (42, 31, 40), (103, 90, 96), (228, 218, 206)


class Paper(FPDF):
    """A4 pages with the shop's head and foot: one document or a pile of them, each on pages of its own."""

    def __init__(self, shop_name: str, title: str) -> None:
        super().__init__(format="A4")
        self._shop_name, self._title, self._number, self._first = shop_name, "", "", 1
        self._next = ("", "")
        self.add_font("DejaVu", "", FONTS / "DejaVuSansCondensed.ttf")
        self.add_font("DejaVu", "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=22)
        self.set_title(title)
        self.set_author(shop_name)

    def begin(self, title: str, number: str) -> None:
        """A new document: its pages are counted from one."""
        self._next = (title, number)
        self.add_page()

    def header(self) -> None:
        """The shop on the left, what this is on the right."""
        # fpdf draws the foot of the page before first, which belongs to the document that ends there.
        if (self._title, self._number) != self._next:
            (self._title, self._number), self._first = self._next, self.page_no()
        self.set_text_color(*_INK)
        self.set_font("DejaVu", "B", 15)
        self.cell(90, 9, self._shop_name)
        self.set_font("DejaVu", "", 11)
        self.cell(0, 9, f"{self._title} {self._number}", align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*_LINE)
        self.line(MARGIN, self.get_y() + 1, self.w - MARGIN, self.get_y() + 1)
        self.ln(7)

    def footer(self) -> None:
        """The page number."""
        self.set_y(-15)
        self.set_font("DejaVu", "", 8)
        self.set_text_color(*_QUIET)
        self.cell(0, 8, f"{self._number} · page {self.page_no() - self._first + 1}", align="C")

    def address(self, label: str, given: Address, left: float) -> float:
        """An address block at `left` millimetres; returns where it ends."""
        top = self.get_y()
        lines = [
            given.name,
            given.line1,
            given.line2,
            f"{given.postal_code} {given.city}",
            given.region,
            country_name(given.country),
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
