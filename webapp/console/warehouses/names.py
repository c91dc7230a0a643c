"""The warehouses as the console's pages name them: read once per request, and only by a page that needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import g

from orders.domain.errors import InvalidRequest, Problem, Unavailable
from webapp.console.wiring import console_wiring


def place_names() -> Mapping[str, str]:
    """Code -> name, in the shop's order of preference. Raises Unavailable."""
    if "place_names" not in g:
        g.place_names = {each.code: each.name for each in console_wiring().inventory.warehouses()}
    names: Mapping[str, str] = g.place_names
    return names


def several_places() -> Mapping[str, str]:
    """The same of a shop with several warehouses; empty for one place, where no page tells of places. Raises Unavailable."""
    names = place_names()
    return names if len(names) > 1 else {}


def place_name(code: str) -> str:
    """What people call a warehouse: its code when it was closed, or while the list cannot be read."""
    try:
        return place_names().get(code, code)
    except Unavailable:
        return code


def in_order(codes: Iterable[str]) -> Sequence[str]:
    """Codes in the shop's order of preference, closed warehouses last; as they come while the list cannot be read."""
    given = list(codes)
    if len(given) < 2:
        return given
    try:
        known = list(place_names())
    except Unavailable:
        return given
    return sorted(given, key=lambda code: known.index(code) if code in known else len(known))


def known_place(code: str, pointer: str) -> str:
    """A code of a form, when the shop has such a warehouse. Raises InvalidRequest."""
    if code not in place_names():
        raise InvalidRequest([Problem(pointer, "choose a warehouse from the list")])
    return code
