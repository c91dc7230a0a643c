"""What the order list was asked: parsed from the words of a query string, checked, and written back into one.

A search is plain data, so that the list, the export, a saved view and a bulk job over "the whole result" mean the same
orders, in the console and on the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, tzinfo
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from orders.domain.order import FulfilmentStatus, OrderStatus, PaymentStatus

SORTS: Mapping[str, str] = {
    "-placed": "Newest first",
    "placed": "Oldest first",
    "-total": "Dearest first",
    "total": "Cheapest first",
}
_HOLDS = ("", "held", "free")


class Given(Protocol):
    """The words of a query string: what a web framework gives, or Words."""

    def get(self, key: str, default: str, /) -> str:
        """The first value of a name."""
        ...

    def getlist(self, key: str, /) -> Sequence[str]:
        """Every value of a name."""
        ...


class Words:
    """The words of a query string that was kept as text."""

    def __init__(self, query: str) -> None:
        self._pairs = parse_qsl(query)

    def get(self, key: str, default: str, /) -> str:
        """See Given."""
        return next((value for known, value in self._pairs if known == key), default)

    def getlist(self, key: str, /) -> list[str]:
        """See Given."""
        return [value for known, value in self._pairs if known == key]


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """A search with its filters. Empty means any. Amounts are minor units, dates are days in `zone`, both inclusive."""

    q: str = ""
    status: tuple[str, ...] = ()
    payment: tuple[str, ...] = ()
    fulfilment: tuple[str, ...] = ()
    hold: str = ""
    placed_from: date | None = None
    placed_to: date | None = None
    total_from: int | None = None
    total_to: int | None = None
    country: str = ""
    shipping: str = ""
    sort: str = "-placed"
    zone: tzinfo = UTC
    """The shop's, which no query string names."""

    @classmethod
    def parse(cls, given: Given, zone: tzinfo = UTC) -> OrderSearch:
        """Read a query string. What cannot be meant is left out rather than refused: links grow old."""
        return cls(
            q=given.get("q", "").replace("\x00", "").strip()[:120],
            status=_known(given.getlist("status"), OrderStatus),
            payment=_known(given.getlist("payment"), PaymentStatus),
            fulfilment=_known(given.getlist("fulfilment"), FulfilmentStatus),
            hold=given.get("hold", "") if given.get("hold", "") in _HOLDS else "",
            placed_from=_day(given.get("from", "")),
            placed_to=_day(given.get("to", "")),
            total_from=_amount(given.get("min", "")),
            total_to=_amount(given.get("max", "")),
            country=given.get("country", "").strip().upper()[:2]
            if given.get("country", "").isalpha()
            else "",
            shipping=given.get("shipping", "").replace("\x00", "").strip()[:40],
            sort=given.get("sort", "") if given.get("sort", "") in SORTS else "-placed",
            zone=zone,
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The search as the pairs of a query string, without what is at its default."""
        found = [
            ("q", self.q),
            *(("status", value) for value in self.status),
            *(("payment", value) for value in self.payment),
            *(("fulfilment", value) for value in self.fulfilment),
            ("hold", self.hold),
            ("from", self.placed_from.isoformat() if self.placed_from else ""),
            ("to", self.placed_to.isoformat() if self.placed_to else ""),
            ("min", _plain(self.total_from)),
            ("max", _plain(self.total_to)),
            ("country", self.country),
            ("shipping", self.shipping),
            ("sort", self.sort if self.sort != "-placed" else ""),
        ]
        return [(name, value) for name, value in found if value]

    def query(self, **changes: object) -> str:
        """The query string of this search, with changes: `search.query(sort="total")`."""
        return urlencode(replace(self, **changes).pairs())  # type: ignore[arg-type]

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the order of rows was asked for."""
        return bool(replace(self, sort="-placed").pairs())


def _known(
    given: Sequence[str], statuses: type[OrderStatus] | type[PaymentStatus] | type[FulfilmentStatus]
) -> tuple[str, ...]:
    return tuple(str(status) for status in statuses if status in given)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _amount(text: str | None) -> int | None:
    """`12.5` or `12,50` as 1250: the shop's currencies with two places, which is what people type."""
    whole, _, part = (text or "").strip().replace(",", ".").partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(whole) > 9 or not (part or "0").isdigit():
        return None
    return int(whole) * 100 + int((part + "00")[:2])


def _plain(amount: int | None) -> str:
    return "" if amount is None else f"{amount // 100}.{amount % 100:02d}"
