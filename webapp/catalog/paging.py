"""Paging by keyset: a page is the range after the last row of the one before, and its address says so and stays true."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from webapp.catalog.models import Product
from webapp.languages import LazyText, _l

PAGE_SIZE = 24


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of a list: by which column, in which direction, and what its link says."""

    key: str
    title: LazyText
    column: InstrumentedAttribute[Any]
    is_descending: bool


SORTS = {
    sort.key: sort
    for sort in (
        Sort("popular", _l("Most loved"), Product.popularity, True),
        Sort("price", _l("Price, low to high"), Product.min_price_minor, False),
        Sort("price-down", _l("Price, high to low"), Product.min_price_minor, True),
        Sort("new", _l("Newest"), Product.created_at, True),
    )
}
DEFAULT_SORT = "popular"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursors of its neighbours (None where there is none)."""

    rows: Sequence[Any]
    following: str | None
    preceding: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: beside the row with this value and id, looking forwards or backwards."""

    value: int | datetime
    id: int
    is_backwards: bool = False


def encode_cursor(value: int | datetime, row_id: int) -> str:
    """A cursor as text for an address."""
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, row_id]).encode()).decode().rstrip("=")


def decode_cursor(text: str, sort: Sort, *, is_backwards: bool) -> Cursor | None:
    """The place that a text names, or None for a text that names none: then a list starts at its beginning."""
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if sort.column is Product.created_at:
            value = datetime.fromisoformat(value)
        elif type(value) is not int:
            return None
        return Cursor(value, int(row_id), is_backwards) if abs(int(row_id)) < 2**62 else None
    except (ValueError, TypeError, binascii.Error, OverflowError):
        return None


def cut(rows: Sequence[Any], column: str, cursor: Cursor | None, size: int = PAGE_SIZE) -> Page:
    """The page from rows that were asked for with one more than its size; `column` holds what they are ordered by."""
    has_more = len(rows) > size
    kept = list(rows[:size])
    is_backwards = cursor is not None and cursor.is_backwards
    if is_backwards:
        kept.reverse()
    if not kept:
        return Page(kept, None, None)

    def at(row: Any) -> str:
        return encode_cursor(getattr(row, column), row.id)

    has_following = is_backwards or has_more
    has_preceding = has_more if is_backwards else cursor is not None
    return Page(kept, at(kept[-1]) if has_following else None, at(kept[0]) if has_preceding else None)
