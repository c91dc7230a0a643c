"""A language in which every translated text stands in brackets: what a page says outside of them was never translated."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable
from html.parser import HTMLParser

import pytest

from orders.countries import country_name
from orders.delivery_methods import delivery_words
from webapp import languages
from webapp.checkout.tariffs import tariffs

_OPEN, _CLOSE = "⟦", "⟧"
_SAID = frozenset({"alt", "title", "placeholder", "aria-label", "data-guard"})
"""Attributes that somebody reads or hears; and all that begin with data-say."""
_SILENT = frozenset({"script", "style", "noscript"})
_WRITTEN = re.compile(
    r"(?:Mo|Di|Mi|Do|Fr|Sa|So)\.,\s\d+\.\s\w+\.?"  # Days, moments and amounts have their own rules (orders/formats.py).
    r"|\d+\. \w+\.? \d{4}, \d\d:\d\d UTC"
    r"|−?[\d.,]+\s€"
    r"|\b[0-9a-f]{8}[0-9a-f-]{24,28}\b"  # What to name when one asks about a page that failed.
)
_OF_THE_SHOP = (
    *("Cartwright & Co", "English", "Deutsch", "Kitchen", "For cooks.", "Mug", "Pan", "MUG-OAT", "MUG-BLUE"),
    *("Colour", "Oat", "Blue", "mug", "zzzz", "Visa", "American Express"),
)
"""What the owner and the trade have written, and each language's own name."""


class Bracketed(gettext.NullTranslations):
    """Catalogues of that language."""

    def gettext(self, message: str) -> str:
        """See gettext."""
        return f"{_OPEN}{message}{_CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """See gettext."""
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        """See gettext."""
        return self.gettext(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """See gettext."""
        return self.ngettext(msgid1, msgid2, n)


def bracket_german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let German be English in brackets, for applications that are made from now on."""
    read = languages.read_texts
    monkeypatch.setattr(languages, "read_texts", lambda code: Bracketed() if code == "de" else read(code))


def outside_of_brackets(page: str, *content: str) -> list[str]:
    """What a page says that no catalogue was asked for, line by line. `content` are the shopper's own words; the shop's own,
    countries and methods of delivery are known."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    text = _WRITTEN.sub(" ", "\n".join(reader.outside))
    own = "|".join(sorted(map(re.escape, _own_words(content)), key=len, reverse=True))
    text = re.sub(rf"(?<!\w)(?:{own})(?!\w)", " ", text)
    return [" ".join(line.split()) for line in text.splitlines() if re.search(r"[^\W\d_]", line)]


def _own_words(content: Iterable[str]) -> set[str]:
    known = tariffs()
    countries = (country_name(code, "de") for code in known.countries)
    methods = (delivery_words(text, "de") for method in known.methods for text in (method.name, method.note))
    return {word for word in (*_OF_THE_SHOP, *countries, *methods, *content) if word}


class _Reader(HTMLParser):
    """Collects what is read or heard of a page and stands outside of all brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._depth = 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that are heard count like text."""
        self._silent += tag in _SILENT
        is_described = ("name", "description") in attrs
        for name, value in attrs:
            if name in _SAID or name.startswith("data-say") or (is_described and name == "content"):
                self._take(value or "", 0)

    def handle_endtag(self, tag: str) -> None:
        """A part is over."""
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        """A translated text may go on over several elements."""
        if not self._silent:
            self._depth = self._take(data, self._depth)

    def _take(self, text: str, depth: int) -> int:
        outside = ""
        for letter in text:
            depth += letter == _OPEN
            outside += " " if depth else letter
            depth -= letter == _CLOSE
        self.outside.append(outside)
        return depth
