"""What a shelf or a collection is called on a page: in its language where the owner gave the words, else as first written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from webapp.languages import LangAttribute, Language, lang_of

OtherWords = Mapping[str, Mapping[str, str]]
"""`{"de": {"name": "Küche", "description": "…"}}`; the language of the columns themselves is the shop's first."""


class Words(NamedTuple):
    """A name and a description. `lang` is the attribute of an element that holds them: empty in the page's own language."""

    name: str
    description: str
    lang: LangAttribute


def words_for(page: Language, first: Language, name: str, description: str, others: OtherWords) -> Words:
    """The words in the page's language: both of them or, where the owner gave none in it, neither (sheet.py sees to that)."""
    own = others.get(page.code) if page.code != first.code else None
    if own is None:
        return Words(name, description, lang_of(first, page))
    return Words(own["name"], own.get("description", ""), lang_of(page, page))
