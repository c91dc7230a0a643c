"""A language in which every translated text stands in brackets: what a page says outside of them was never translated."""

from __future__ import annotations

import gettext
import re
from collections.abc import Sequence
from html.parser import HTMLParser

_OPEN, _CLOSE = "⟦", "⟧"
_SPOKEN = ("alt", "aria-label", "content", "placeholder", "title")
"""Attributes that somebody reads or hears."""
_SILENT = frozenset({"script", "style", "noscript"})
_WRITTEN = re.compile(
    r"(?:Mo|Di|Mi|Do|Fr|Sa|So)\., \d+\. \w+\.?"  # Days, moments and amounts have their own rules (orders/formats.py).
    r"|\d+\. \w+\.? \d{4}, \d\d:\d\d UTC"
    r"|−?[\d.,]+\s€"
)


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


def outside_of_brackets(page: str, content: Sequence[str]) -> list[str]:
    """What is said in a page's main part and in its title that no catalogue was asked for; the shop's and the shopper's own
    words (`content`) are left out."""
    reader = _Reader()
    reader.feed(page)
    own = re.compile("|".join(re.escape(word) for word in sorted(content, key=len, reverse=True)))
    left = (own.sub("", _WRITTEN.sub("", text)) for text in reader.outside)
    return [text.strip() for text in left if re.search(r"[^\W\d_]", text)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._depth = 0
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that are heard count like text."""
        if tag in {"main", "title"} | _SILENT:
            self._within.append(tag)
        if "main" in self._within:
            said = [
                value for name, value in attrs if value and (name in _SPOKEN or name.startswith("data-say"))
            ]
            self.outside += [text for value in said if (text := _without_brackets(value))]

    def handle_endtag(self, tag: str) -> None:
        """A part is over."""
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """A translated text may go on over several elements."""
        kept = ""
        for character in data:
            self._depth += (character == _OPEN) - (character == _CLOSE)
            kept += character if not self._depth and character != _CLOSE else ""
        if self._within and self._within[-1] not in _SILENT and kept.strip():
            self.outside.append(kept)


def _without_brackets(text: str) -> str:
    return re.sub(rf"{_OPEN}.*?{_CLOSE}", "", text)
