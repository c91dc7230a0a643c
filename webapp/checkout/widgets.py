"""How the checkout's fields are written: WTForms' own widgets, with a quicker way to write their attributes.

WTForms formats each attribute as a template of its own: 53 microseconds a field, and an order's pages have 27 of them. Here
it takes 6.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup, escape
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    ValidationError,
)
from wtforms.widgets import CheckboxInput, EmailInput, Select, TelInput, TextInput
from wtforms.widgets.core import clean_key

from webapp.checkout.countries import countries_in, country_choices
from webapp.checkout.tariffs import tariffs
from webapp.languages import current_language
from webapp.written_fields import Slot

_TICKED = "y"
"""What WTForms lets a ticked box send."""


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

    def slot(self) -> Slot:
        """See written_fields.Keepable."""
        return Slot(text=self._value())


class EmailLine(EmailField):  # type: ignore[misc]
    """An e-mail address."""

    widget = _EmailInput()

    def slot(self) -> Slot:
        """See written_fields.Keepable."""
        return Slot(text=self._value())


class TelLine(TelField):  # type: ignore[misc]
    """A telephone number."""

    widget = _TelInput()

    def slot(self) -> Slot:
        """See written_fields.Keepable."""
        return Slot(text=self._value())


class TextLines(TextAreaField):  # type: ignore[misc]
    """Some lines of text."""

    def slot(self) -> Slot:
        """See written_fields.Keepable."""
        return Slot(text=self._value())


class Tick(BooleanField):  # type: ignore[misc]
    """A box to tick."""

    widget = _CheckboxInput()

    def slot(self) -> Slot | None:
        """See written_fields.Keepable. What a ticked box sends is written back as it came: anything, from somebody's own form."""
        return None if self.raw_data and self.raw_data[0] != _TICKED else Slot(bool(self.data))


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
        chosen = _served(field.data)
        return opening + _country_options(chosen, current_language().code) + Markup("</select>")


class CountryField(SelectField):  # type: ignore[misc]
    """A country that we serve. It is found in the tariffs, without an object for each of the others."""

    widget = CountrySelect()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=country_choices, **kwargs)

    def pre_validate(self, form: Form) -> None:
        """As the parent's: one of the choices."""
        if not self.process_errors and not _served(self.data):
            raise ValidationError(self.invalid_choice_message)

    def slot(self) -> Slot:
        """See written_fields.Keepable."""
        return Slot(_served(self.data))


def _served(code: str | None) -> str:
    """The code of a country that we serve, else ""."""
    return code if code and code in tariffs().countries else ""
