"""The filters beside a list: each facet's values, chosen or not, with how many products each would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders.formats import WRITINGS
from webapp.catalog.criteria import PARAMETERS, Criteria
from webapp.catalog.finding import COUNT_LIMIT, count_facets
from webapp.catalog.models import FACETS
from webapp.catalog.tree import FacetTallies, Shelf
from webapp.languages import LangAttribute, _l, content_lang, current_language

MOST_SHOWN = 14
_TITLES = {
    "Colour": _l("Colour"),
    "Material": _l("Material"),
    "Maker": _l("Maker"),
    "Made in": _l("Made in"),
    "Size": _l("Size"),
    "Length": _l("Length"),
    "Width": _l("Width"),
    "Height": _l("Height"),
    "Diameter": _l("Diameter"),
    "Thickness": _l("Thickness"),
    "Weight": _l("Weight"),
    "Capacity": _l("Capacity"),
    "Volume": _l("Volume"),
    "Shape": _l("Shape"),
    "Care": _l("Care"),
    "Wash": _l("Wash"),
    "Dishwasher": _l("Dishwasher"),
}
"""What nearly every shop says of its goods, by what an owner who writes English calls it."""


def facet_title(name: str) -> str:
    """A facet's name in the language of the page, and other usual attributes'; what else there is, is the owner's own word."""
    return str(_TITLES.get(name, name))


def facet_lang(name: str) -> LangAttribute:
    """What the element with `facet_title` says of its language."""
    return LangAttribute("") if name in _TITLES else content_lang()


def typed_price(amount_minor: int | None) -> str:
    """The price of a filter as it may be typed, `12.5` or `12,5`; nothing for none."""
    if amount_minor is None:
        return ""
    return f"{amount_minor / 100:g}".replace(".", WRITINGS[current_language().code].decimal)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value. `count` is None where counting would take longer than the page may."""

    value: str
    count: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet with the values worth showing."""

    name: str
    parameter: str
    values: tuple[FacetValue, ...]


def facets(
    criteria: Criteria, shelf: Shelf | None, tallies: FacetTallies, expected_hits: Callable[[Criteria], float]
) -> list[Facet]:
    """The filters of a list. Values of one facet widen each other, so a facet is counted without its own choice."""
    counted: dict[str, dict[str, int] | None] = {}
    unchosen = [name for name in FACETS if not criteria.chosen(name)]
    for names, others in (
        (unchosen, criteria),
        *(((n,), criteria.without(n)) for n in FACETS if n not in unchosen),
    ):
        if not names:
            continue
        if not others.is_narrowed:
            counted |= {name: dict(tallies.get(name, {})) for name in names}
            continue
        # What is expected to be very much is not even begun to be counted.
        is_countable = expected_hits(others) <= 2 * COUNT_LIMIT
        counts = count_facets(others, names, shelf) if is_countable else None
        counted |= {name: dict(counts[name]) if counts is not None else None for name in names}
    return [facet for name in FACETS if (facet := _facet(name, criteria, counted[name], tallies)).values]


def _facet(name: str, criteria: Criteria, counts: dict[str, int] | None, tallies: FacetTallies) -> Facet:
    chosen = criteria.chosen(name)
    known = tallies.get(name, {})
    if counts is None:
        shown = [FacetValue(value, None, value in chosen) for value in known]
    else:
        shown = [FacetValue(value, count, value in chosen) for value, count in counts.items()]
        shown += [FacetValue(value, 0, True) for value in chosen if value not in counts]
    shown.sort(
        key=lambda v: (not v.is_chosen, -(v.count if v.count is not None else known.get(v.value, 0)), v.value)
    )
    return Facet(name, PARAMETERS[name], tuple(shown[:MOST_SHOWN]))
