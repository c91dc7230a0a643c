"""The countries that we serve, as a list to choose from: by name, in the order of the page's language."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

from orders.countries import country_name
from webapp.checkout.tariffs import tariffs
from webapp.languages import current_language


def country_choices() -> Sequence[tuple[str, str]]:
    """Code and name of every country that we serve, in the page's language."""
    return countries_in(current_language().code)


@cache
def countries_in(language: str) -> Sequence[tuple[str, str]]:
    """Code and name of every country that we serve, by name. Called with a language of the shop, so that few are kept."""
    named = [(code, country_name(code, language)) for code in tariffs().countries]
    return sorted(named, key=lambda country: _as_in_a_dictionary(country[1]))


def _as_in_a_dictionary(name: str) -> str:
    """Österreich stands among the names with O (DIN 5007-1), not after Zypern."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return bare.casefold()
