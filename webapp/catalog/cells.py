"""One cell of a catalogue sheet: text in, a checked value out, or an advice that tells its writer what to type instead."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from orders.domain.money import MAX_AMOUNT_MINOR, decimal_places

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
IMAGE = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+)*\.(?:svg|png|jpe?g|webp|avif)")
CURRENCY = re.compile(r"[A-Z]{3}")
WHOLE = re.compile(r"[0-9]{1,12}")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")

SEPARATOR = "|"
"""Between the entries of one cell."""


class BadCell(ValueError):
    """The cell cannot be used; the text says what to do about it, as an imperative sentence."""


def text(cell: str, limit: int) -> str:
    """The cell's text without surrounding blanks. Raises BadCell when it is empty, too long or not printable."""
    value = optional_text(cell, limit)
    if not value:
        raise BadCell("fill this in; it must not be empty")
    return value


def optional_text(cell: str, limit: int) -> str:
    """Like `text`, but may be empty."""
    value = cell.strip()
    if len(value) > limit:
        raise BadCell(f"shorten it to {limit} characters; it has {len(value)}")
    if CONTROL.search(value):
        raise BadCell("remove the control character in it")
    return value


def slug(cell: str) -> str:
    """A name for an address: lower-case words joined by hyphens, at most 120 characters."""
    value = text(cell, 120)
    if not SLUG.fullmatch(value):
        raise BadCell("use lower-case letters a-z, digits and single hyphens only, such as enamel-kettle")
    return value


def optional_slug(cell: str) -> str:
    """Like `slug`, but may be empty."""
    return slug(cell) if cell.strip() else ""


def sku(cell: str) -> str:
    """A stock keeping unit: at most 64 letters, digits, points, hyphens and underscores."""
    value = text(cell, 64)
    if not SKU.fullmatch(value):
        raise BadCell("use letters, digits, points, hyphens and underscores only, such as CW-KET-CRE")
    return value


def image(cell: str) -> str:
    """A picture's path below the static folder, or empty."""
    value = optional_text(cell, 200)
    if value and (not IMAGE.fullmatch(value) or ".." in value):
        raise BadCell("give a path below the static folder, such as catalogue/enamel-kettle.svg")
    return value


def currency(cell: str) -> str:
    """An ISO 4217 code."""
    value = text(cell, 3)
    if not CURRENCY.fullmatch(value):
        raise BadCell("give the three-letter code in capitals, such as EUR")
    return value


def price(cell: str, code: str) -> int:
    """A decimal price in minor units of `code`, exactly: `49.90` in EUR is 4990. Never passes through a float."""
    value = cell.strip()
    places = decimal_places(code)
    example = f"49.{'0' * places}" if places else "49"
    if "," in value:
        raise BadCell(f"write the price with a point and no thousands separator, such as {example}")
    match = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]+))?", value)
    if match is None:
        raise BadCell(f"write a plain price that is not negative, without a currency sign, such as {example}")
    whole, part = match[1], match[2] or ""
    if len(part) > places:
        raise BadCell(f"give at most {places} decimal places for {code}, such as {example}")
    amount = int(whole + part.ljust(places, "0"))
    if amount > MAX_AMOUNT_MINOR:
        raise BadCell("lower the price; it is larger than any order may be")
    return amount


def whole_number(cell: str, highest: int) -> int:
    """A count between 0 and `highest`; an empty cell is 0."""
    value = cell.strip() or "0"
    if not WHOLE.fullmatch(value) or int(value) > highest:
        raise BadCell(f"give a whole number between 0 and {highest:,}".replace(",", " "))
    return int(value)


def yes_or_no(cell: str) -> bool:
    """`yes` or `no`; an empty cell is yes."""
    value = cell.strip().lower()
    if value not in {"", "yes", "no"}:
        raise BadCell("write yes or no")
    return value != "no"


def day(cell: str) -> datetime | None:
    """A calendar day as the first moment of it in UTC; None for an empty cell."""
    value = cell.strip()
    if not value:
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise BadCell("write the date as year-month-day, such as 2026-03-31") from None
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def entries(cell: str, most: int, limit: int) -> tuple[str, ...]:
    """The entries between bars, without doubles, in the order written."""
    found = tuple(
        dict.fromkeys(part for part in (text_part.strip() for text_part in cell.split(SEPARATOR)) if part)
    )
    if len(found) > most:
        raise BadCell(f"keep at most {most} entries; it has {len(found)}")
    return tuple(text(entry, limit) for entry in found)


def pairs(cell: str, most: int) -> dict[str, str]:
    """`Name=value` entries between bars. Raises BadCell for an entry without a name or value, or a name used twice."""
    found: dict[str, str] = {}
    for entry in entries(cell, most, 300):
        name, sign, value = (part.strip() for part in entry.partition("="))
        if not (name and sign and value):
            raise BadCell(f"write each entry as Name=value; {entry!r} is not")
        if name in found:
            raise BadCell(f"give {name!r} once; it stands there twice")
        if len(name) > 60 or len(value) > 200:
            raise BadCell(f"shorten {name!r}: a name has at most 60 characters and a value 200")
        found[name] = value
    return found


def lists(cell: str, most: int) -> dict[str, list[str]]:
    """`Name=one; two` entries between bars: each name with its values."""
    found = {}
    for name, value in pairs(cell, most).items():
        values = list(dict.fromkeys(part.strip() for part in value.split(";") if part.strip()))
        if not values or max(map(len, values)) > 120:
            raise BadCell(f"give {name!r} values of at most 120 characters between semicolons")
        found[name] = values
    return found
