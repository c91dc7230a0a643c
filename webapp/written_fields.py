"""Fields of forms that are made and written with what stays the same kept: WTForms' own fields, and the shop's own macros.

A field is built, labelled and told its limits for each page anew, and is then written by a macro, a widget and a dozen attributes:
70 microseconds, of which only what was typed, or ticked, differs from the page before. The page with two addresses has twenty of
them. What is kept is of the code, never of a visitor: a text's place in the markup, a box ticked and not ticked, a chosen country.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from flask import Flask
from markupsafe import Markup, escape
from wtforms import Field, Form
from wtforms.meta import DefaultMeta

_PLACE = "\ufdd0typed\ufdd0"
"""Stands where a text comes: characters that no text has, since Unicode will never assign them."""
MOST_WAYS = 1_000
"""Fields of all forms, times their hints, times what they can be chosen as. More are written anew each time."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What is a visitor's in a field: one of few ways in which it is written, and the text in it, if it takes one."""

    way: Hashable = ""
    text: str | None = None


class Keepable(Protocol):
    """A kind of field that may be kept. `slot` is None where what was sent asks for it to be written anew."""

    def slot(self) -> Slot | None:
        """What differs from page to page."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    kind: type[Field]
    state: dict[str, Any]
    """What a field of this form has before it is given its data."""


_kept: dict[tuple[Any, str, str], _Kept] = {}
"""By the form's declaration of a field, and its name: as many as the sources have."""
_written: WeakKeyDictionary[Any, dict[Hashable, tuple[str, str]]] = WeakKeyDictionary()
"""What comes before and after the text, by the macro that wrote it. Each language has macros of its own (spoken_templates.py)."""


class KeptFields(DefaultMeta):  # type: ignore[misc] # WTForms has no types.
    """The Meta of a form whose fields are copied from the first of their kind."""

    def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Field:
        """See WTForms. A field that is not Keepable is made each time, as the token is, which belongs to one form."""
        name = (unbound_field, options["prefix"], options["name"])
        kept = _kept.get(name)
        if kept is None:
            made = super().bind_field(form, unbound_field, options)
            if not hasattr(type(made), "slot"):
                return made
            kept = _kept[name] = _Kept(type(made), vars(made).copy())
            kept.state["_kept"] = kept
        bound = object.__new__(kept.kind)
        vars(bound).update(kept.state, _form=form, meta=form.meta)
        return bound


def written(field: Any, draw: Any, *words: Any) -> Markup:
    """What the macro `draw` makes of a field and these words: from memory, unless there is an error to tell."""
    kept: _Kept | None = vars(field).get("_kept")
    slot: Slot | None = field.slot() if kept is not None and not field.errors else None
    if slot is None:
        return Markup(draw(field, *words))  # noqa: S704 (a macro's)
    known = _written.get(draw)
    if known is None:
        known = _written[draw] = {}
    way = (kept, slot.way, words)
    around = known.get(way)
    if around is None:
        around = _around(field, draw, words, has_text=slot.text is not None)
        if around is None or len(known) >= MOST_WAYS:
            return Markup(draw(field, *words))  # noqa: S704 (a macro's)
        known[way] = around
    before, after = around
    return Markup(before if slot.text is None else f"{before}{escape(slot.text)}{after}")  # noqa: S704 (a macro's, and escaped)


def _around(field: Any, draw: Any, words: tuple[Any, ...], *, has_text: bool) -> tuple[str, str] | None:
    if not has_text:
        return str(draw(field, *words)), ""
    empty = object.__new__(type(field))
    vars(empty).update(vars(field), data=_PLACE)
    parts = str(draw(empty, *words)).split(_PLACE)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def register_written_fields(app: Flask) -> None:
    """For the macros of components/form.html."""
    app.jinja_env.globals["written"] = written
