"""The words of letters in other languages: gettext catalogues in this folder's translations/, compiled when released."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from orders.formats import SOURCE_LANGUAGE, language_of

TRANSLATIONS = Path(__file__).parent / "translations"


def letter_language(locale: str) -> str:
    """The language that a letter is written in for an order's locale; English where there is no catalogue."""
    language = language_of(locale)
    return language if language == SOURCE_LANGUAGE or _compiled(language).is_file() else SOURCE_LANGUAGE


@cache
def catalogue(language: str) -> NullTranslations:
    """The words of a language that `letter_language` names. Read on the first letter, not at a cold start."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    with _compiled(language).open("rb") as compiled:
        return GNUTranslations(compiled)


def _compiled(language: str) -> Path:
    return TRANSLATIONS / language / "letters.mo"
