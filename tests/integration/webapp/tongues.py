"""In which language a page says that each of its texts is: what a screen reader pronounces it by."""

from __future__ import annotations

from collections.abc import Collection
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "noscript", "title"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})


def languages_of(page: str, texts: Collection[str]) -> dict[str, set[str]]:
    """The languages that these texts are said to be in, wherever they stand alone in an element or name a picture."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return {text: {code for found, code in reader.found if found == text} for text in texts}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[tuple[str, str]] = [("", "")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element speaks as the one around it does, where it does not say."""
        given = dict(attrs)
        code = given.get("lang") or self._open[-1][1]
        if alternative := given.get("alt"):
            self.found.append((alternative, code))
        if tag not in _VOID:
            self._open.append((tag, code))

    def handle_endtag(self, tag: str) -> None:
        """Those inside that are not ended (`<li>`, `<p>`) end with it."""
        while self._open[-1][0] not in ("", tag):
            self._open.pop()
        if len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text of an element."""
        tag, code = self._open[-1]
        if tag not in _SILENT and (text := " ".join(data.split())):
            self.found.append((text, code))
