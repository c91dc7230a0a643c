"""Fields that are written from memory say what their macro says, and nothing of another visitor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import Form
from wtforms.validators import InputRequired, Length

from orders.settings import Settings
from webapp import written_fields
from webapp.checkout.widgets import CountryField, EmailLine, TelLine, TextLine, TextLines, Tick
from webapp.languages import register_languages
from webapp.written_fields import KeptFields, written

TYPED = ("", "Ada", "\"><script>alert('x')</script> & Søn", "{{ 7 * 7 }}", "Zürich\r\n2nd line")


class Asked(Form):  # type: ignore[misc] # WTForms has no types.
    """One field of each kind."""

    Meta = KeptFields
    name = TextLine("Name", [InputRequired(), Length(max=30)], render_kw={"autocomplete": "name"})
    email = EmailLine("E-mail")
    phone = TelLine("Phone")
    note = TextLines("Note", render_kw={"rows": "2"})
    is_sure = Tick("Sure?")
    country = CountryField("Country", invalid_choice_message="Choose one.")


@pytest.fixture
def app() -> Iterator[Flask]:
    """An application that knows languages, for the names of countries."""
    app = Flask(__name__)
    register_languages(app, Settings())
    with app.test_request_context("/"):
        yield app


def macro() -> Any:
    """A way to write a field, as components/form.html has some."""

    def draw(field: Any, *words: Any) -> Markup:
        draw.times += 1  # type: ignore[attr-defined]
        told = Markup("<b>{}</b>").format(field.errors[0]) if field.errors else ""
        return Markup("<label>{} {}</label>{}{}").format(field.label.text, " ".join(words), field(), told)

    draw.times = 0  # type: ignore[attr-defined]
    return draw


@pytest.mark.parametrize("name", ["name", "email", "phone", "note"])
def test_a_text_is_written_as_the_macro_writes_it(app: Flask, name: str) -> None:
    """Whatever was typed, by whomever before; the macro itself is asked once for each of its words."""
    draw = macro()
    for words in (("wide",), ("narrow",)):
        for typed in TYPED:
            field = Asked(data={name: typed})[name]
            assert written(field, draw, *words) == macro()(field, *words)
            assert isinstance(written(field, draw, *words), Markup)
    assert draw.times == 2


def test_what_is_chosen_is_written_as_the_macro_writes_it(app: Flask) -> None:
    """A box ticked or not; each country, and one that nobody serves. Nothing that was sent stays in memory."""
    draw = macro()
    for is_ticked in (True, False, True):
        field = Asked(data={"is_sure": is_ticked}).is_sure
        assert written(field, draw) == macro()(field)
    assert draw.times == 2
    own = Asked(MultiDict({"is_sure": '"><i>'})).is_sure
    assert written(own, draw) == macro()(own)
    assert "<i>" not in written(Asked(data={"is_sure": True}).is_sure, draw)
    for code in ("DE", "FR", "XX", '"><i>', None, "DE"):
        country = Asked(data={"country": code}).country
        assert written(country, draw) == macro()(country)


def test_an_error_is_told_and_is_gone_on_the_next_page(app: Flask) -> None:
    """It is one visitor's."""
    draw = macro()
    wrong = Asked(MultiDict({"name": "x" * 31, "country": "XX"}))
    assert not wrong.validate()
    assert "<b>" in written(wrong.name, draw)
    assert "Choose one." in written(wrong.country, draw)
    assert "<b>" not in written(Asked().name, draw)


def test_a_form_of_its_own_for_each_visitor(app: Flask) -> None:
    """A field that was copied knows its own form, and shares neither what was typed nor what was wrong with it."""
    one, other = Asked(MultiDict({"name": ""})), Asked(MultiDict({"name": "Ada", "country": "DE"}))
    assert not one.validate()
    assert other.validate()
    assert (one.name.data, other.name.data) == ("", "Ada")
    assert one.name.errors
    assert not other.name.errors
    assert one.name._form is one
    assert other.name.meta is other.meta


def test_memory_has_an_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that are ever new are written anew."""
    monkeypatch.setattr(written_fields, "MOST_WAYS", 3)
    draw, field = macro(), Asked(data={"name": "Ada"}).name
    for number in range(9):
        assert written(field, draw, str(number)) == macro()(field, str(number))
    assert len(written_fields._written[draw]) == 3
