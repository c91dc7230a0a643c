"""What is typed and uploaded is read exactly, and what cannot be meant is said."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from orders.adapters.order_csv import harmless
from orders.domain.errors import InvalidRequest
from orders.domain.ids import Sku
from orders.domain.inventory import MAIN, PlaceLevel, StockLevel
from webapp.console.amounts import parse_amount
from webapp.console.dashboard.charts import BOTTOM, HEIGHT, bars, nice_top, ticks
from webapp.console.orders.search import Cursor, OrderSearch
from webapp.console.stock.sheet import plan, read_sheet

_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


@given(
    q=_TEXT,
    status=st.lists(st.sampled_from(["placed", "confirmed", "nonsense"]), max_size=3),
    low=st.integers(0, 10**8),
    country=st.sampled_from(["de", "FR", "", "1", "GERMANY"]),
    sort=st.sampled_from(["total", "-total", "placed", "-placed", "x"]),
    hold=st.sampled_from(["held", "free", "", "maybe"]),
    day=st.dates().map(str) | _TEXT,
)
def test_a_search_survives_its_own_query_string(
    q: str, status: list[str], low: int, country: str, sort: str, hold: str, day: str
) -> None:
    """A saved view, a page link and a bulk job mean the same orders as the page they came from."""
    given_ = MultiDict(
        [
            ("q", q),
            ("min", f"{low / 100:.2f}"),
            ("country", country),
            ("sort", sort),
            ("hold", hold),
            ("from", day),
        ]
        + [("status", value) for value in status]
    )
    once = OrderSearch.parse(given_)
    assert OrderSearch.parse(MultiDict(once.pairs())) == once


@given(
    value=st.datetimes(timezones=st.just(UTC)) | st.integers(0, 10**12), number=st.uuids(), back=st.booleans()
)
def test_a_cursor_survives_its_link(value: datetime | int, number: UUID, back: bool) -> None:
    """The next page begins where this one ended."""
    cursor = Cursor(value, number, back)
    assert Cursor.decode(cursor.encode()) == cursor


@given(text=_TEXT)
def test_a_cursor_that_was_tampered_with_is_the_first_page(text: str) -> None:
    """Never an error page for a link that grew old."""
    assert Cursor.decode(text) is None or isinstance(Cursor.decode(text), Cursor)


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [("12", "EUR", 1200), ("12,5", "EUR", 1250), (" 0.05 ", "EUR", 5), ("", "EUR", 0), ("7", "JPY", 7), ("1.234", "KWD", 1234)],
)  # fmt: skip
def test_an_amount_is_read_as_people_type_it(typed: str, currency: str, amount: int) -> None:
    """Comma or point, and as many places as the currency has."""
    assert parse_amount(typed, currency) == amount


@pytest.mark.parametrize("typed", ["1.234,50", "-1", "1e3", "1.005", "٣", "12 €", "9999999999"])
def test_an_amount_that_could_mean_two_things_is_refused(typed: str) -> None:
    """Better asked again than paid back a thousand times."""
    with pytest.raises(InvalidRequest):
        parse_amount(typed, "EUR")


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-1", "@cmd", "\tx", "\rx"])
def test_no_cell_of_an_export_is_a_formula(cell: str) -> None:
    """OWASP, CSV injection."""
    assert harmless(cell) == f"'{cell}"


def _level(sku: str, available: int) -> StockLevel:
    pieces = (available, 2, 0, available + 2)
    return StockLevel(Sku(sku), *pieces, 100, "EUR", places=(PlaceLevel(MAIN, *pieces),))


def test_a_stock_sheet_is_planned_row_by_row() -> None:
    """Each row has its own result; a bad one does not spoil the others."""
    rows = read_sheet(
        "\ufeffSKU, restock ,count,adjust\nA,5,,\nB,,3,\nC,,,-9\nX,1,,\nA,1,,\nD,1,2,\nE,abc,,\n,1,,\n"
    )
    done = plan(rows, {Sku(sku): _level(sku, 4) for sku in "ABCDE"}, {MAIN})
    assert [(row.after, row.problem[:12]) for row in done] == [
        (9, ""),
        (3, ""),
        (-5, "only 4 are a"),
        (None, "the shop doe"),
        (None, "this SKU is "),
        (None, "fill in exac"),
        (None, "“abc” is not"),
        (None, "no SKU"),
    ]
    assert [row.difference for row in done[:2]] == [5, -1]


@pytest.mark.parametrize("text", ["", "name,price\nx,1\n", "sku\nA\n"])
def test_a_file_that_is_no_stock_sheet_is_refused(text: str) -> None:
    """The first line must say what the columns are."""
    with pytest.raises(InvalidRequest):
        read_sheet(text)


@given(st.integers(0, 10**12))
def test_an_axis_ends_above_the_highest_bar_at_whole_values(highest: int) -> None:
    """No bar leaves the chart, no tick says 2.5 orders."""
    top = nice_top(highest)
    assert top >= highest
    assert next(tick.value for tick in ticks(top)) == 0
    assert all(top * step % (len(ticks(top)) - 1) == 0 for step in range(len(ticks(top)) - 1))
    (bar,) = bars([highest], ["x"], top)
    assert bar.y >= 0
    assert abs(bar.y + bar.height - (HEIGHT - BOTTOM)) < 0.2
