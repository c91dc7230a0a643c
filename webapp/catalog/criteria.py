"""What a list is narrowed to: words, facet values, a price range and an order, read from an address and written back into one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from webapp.catalog.models import FACETS

LONGEST_QUERY = 100
MOST_WORDS = 8
MOST_VALUES = 20
_WORD = re.compile(r"\w+")
PARAMETERS = {name: name.lower().replace(" ", "-") for name in FACETS}
"""Each facet's name in an address: `Made in` is `made-in`."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked for. Values of one facet widen, facets narrow."""

    text: str = ""
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    price_from: int | None = None
    price_to: int | None = None
    """In minor units, both ends included."""
    respelled: tuple[str, ...] = ()
    """What is looked for in place of the text's words, once they have found nothing."""
    prefixes: frozenset[str] = frozenset()
    """Which of the words are only beginnings and stand for every word that begins with them."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are looked for, in lower case, each once."""
        return self.respelled or tuple(dict.fromkeys(_WORD.findall(self.text.lower())))[:MOST_WORDS]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.words or self.filters or self.has_price)

    @property
    def has_price(self) -> bool:
        """Whether a price range is asked for."""
        return self.price_from is not None or self.price_to is not None

    def chosen(self, name: str) -> tuple[str, ...]:
        """The chosen values of a facet."""
        return dict(self.filters).get(name, ())

    def without(self, name: str) -> Criteria:
        """The same without one facet: what its own counts are counted over."""
        return replace(self, filters=tuple(item for item in self.filters if item[0] != name))

    def address(self, **more: str) -> str:
        """The query string of these criteria, always in the same order, so that equal lists have equal addresses."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [(PARAMETERS[name], value) for name, values in self.filters for value in values]
        for key, bound in (("price-from", self.price_from), ("price-to", self.price_to)):
            if bound is not None:
                pairs.append((key, f"{bound / 100:g}"))
        pairs += [(key, value) for key, value in more.items() if value]
        return urlencode(pairs)


def read_criteria(arguments: MultiDict[str, str], *, with_text: bool) -> Criteria:
    """The criteria in an address; what cannot be understood is left out."""
    text = " ".join(arguments.get("q", "")[:LONGEST_QUERY].replace("\x00", "").split()) if with_text else ""
    filters = []
    for name, parameter in PARAMETERS.items():
        values = {v[:120] for v in arguments.getlist(parameter)[:MOST_VALUES] if v and "\x00" not in v}
        if values:
            filters.append((name, tuple(sorted(values))))
    low, high = _price(arguments.get("price-from")), _price(arguments.get("price-to"))
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Criteria(text, tuple(filters), low, high)


def _price(text: str | None) -> int | None:
    """A price in whole currency units or with cents, in minor units; None for nothing and for nonsense."""
    match = re.fullmatch(r"\s*([0-9]{1,7})(?:[.,]([0-9]{1,2}))?\s*", text or "", re.ASCII)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None
