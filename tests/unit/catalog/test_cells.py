"""The cells of a catalogue sheet: what is taken, what is refused, and that the refusal says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.money import MAX_AMOUNT_MINOR, format_plain
from webapp.catalog import cells

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])


@given(st.integers(0, MAX_AMOUNT_MINOR), CURRENCIES)
def test_a_price_reads_back_as_the_very_amount_that_was_written(amount_minor: int, currency: str) -> None:
    """Writing and reading a price loses no cent, in currencies of none, two and three decimal places."""
    assert cells.price(format_plain(amount_minor, currency), currency) == amount_minor


@given(st.text(max_size=30), CURRENCIES)
def test_any_text_is_a_price_within_the_limit_or_is_refused_with_an_advice(text: str, currency: str) -> None:
    """No text makes the parser fail in another way, and none gives a negative or an endless amount."""
    try:
        amount = cells.price(text, currency)
    except cells.BadCell as refusal:
        amount, outcome = 0, str(refusal)
    else:
        outcome = "taken"
    assert outcome
    assert 0 <= amount <= MAX_AMOUNT_MINOR


@given(st.integers(0, 10**9), st.integers(1, 9))
def test_a_price_finer_than_its_currency_is_refused_and_not_rounded(whole: int, last: int) -> None:
    """A third decimal place of a euro is a mistake that only its writer can mend."""
    with pytest.raises(cells.BadCell, match="at most 2 decimal places"):
        cells.price(f"{whole}.00{last}", "EUR")


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "12,50", "1,249.00", "€ 5", "5 EUR", ".5", "5.", "٣", "NaN", "0x10", "1_000"]
)
def test_what_is_not_a_plain_price_is_refused(text: str) -> None:
    """Signs, exponents, other digits and separators could be read in two ways."""
    with pytest.raises(cells.BadCell):
        cells.price(text, "EUR")


def test_a_price_larger_than_any_order_is_refused() -> None:
    """The limit of an order's amount is the limit of a price."""
    with pytest.raises(cells.BadCell, match="lower the price"):
        cells.price("1000000000.00", "EUR")


@pytest.mark.parametrize(
    ("parse", "cell", "value"),
    [
        (cells.slug, " enamel-kettle ", "enamel-kettle"),
        (cells.sku, "CW-KET-1.8_L", "CW-KET-1.8_L"),
        (cells.image, "", ""),
        (cells.image, "catalogue/enamel-kettle--ink.svg", "catalogue/enamel-kettle--ink.svg"),
        (cells.yes_or_no, "", True),
        (cells.yes_or_no, "No", False),
        (cells.day, "", None),
    ],
)
def test_a_good_cell_is_taken(parse: Callable[[str], object], cell: str, value: object) -> None:
    """Blanks around a value do not matter."""
    assert parse(cell) == value


@pytest.mark.parametrize(
    ("parse", "cell"),
    [
        (cells.slug, ""),
        (cells.slug, "Enamel-Kettle"),
        (cells.slug, "kettle--blue"),
        (cells.slug, "-kettle"),
        (cells.slug, "k" * 121),
        (cells.slug, "kessel-ü"),
        (cells.sku, "CW KET"),
        (cells.sku, "-CW"),
        (cells.sku, "S" * 65),
        (cells.image, "/etc/passwd.svg"),
        (cells.image, "catalogue/../../secret.svg"),
        (cells.image, "https://example.com/a.svg"),
        (cells.image, "catalogue/a.exe"),
        (cells.currency, "eur"),
        (cells.currency, "EURO"),
        (cells.yes_or_no, "maybe"),
        (cells.day, "31.03.2026"),
        (cells.day, "2026-02-30"),
    ],
)
def test_a_bad_cell_is_refused_with_an_advice(parse: Callable[[str], object], cell: str) -> None:
    """The advice is for the person who mends the sheet."""
    with pytest.raises(cells.BadCell, match=r"\w+"):
        parse(cell)


def test_a_control_character_is_refused() -> None:
    """PostgreSQL cannot store NUL, and nobody typed the others on purpose."""
    with pytest.raises(cells.BadCell, match="control character"):
        cells.text("ket\x00tle", 100)


@pytest.mark.parametrize("cell", ["-1", "1.5", "1000001", "a", "9" * 40])
def test_a_count_outside_its_limits_is_refused(cell: str) -> None:
    """Stock is counted in whole pieces, up to a million."""
    with pytest.raises(cells.BadCell, match="whole number between 0 and 1 000 000"):
        cells.whole_number(cell, 1_000_000)


def test_pairs_keep_the_order_in_which_they_were_written() -> None:
    """The page offers the choices in the sheet's order."""
    assert list(cells.pairs("Size=M|Colour=Oak", 5).items()) == [("Size", "M"), ("Colour", "Oak")]


@pytest.mark.parametrize("cell", ["Size", "=M", "Size=", "Size=M|Size=L", "a=1|b=2|c=3", f"{'n' * 61}=x"])
def test_pairs_that_are_not_name_and_value_are_refused(cell: str) -> None:
    """A doubled name would silently lose one of its values."""
    with pytest.raises(cells.BadCell):
        cells.pairs(cell, 2)


def test_lists_split_their_values_and_drop_doubles() -> None:
    """A facet's values stand between semicolons."""
    assert cells.lists("Material=Oak; Brass;Oak|Made in=Wales", 5) == {
        "Material": ["Oak", "Brass"],
        "Made in": ["Wales"],
    }
