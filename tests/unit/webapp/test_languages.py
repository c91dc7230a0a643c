"""Languages: chosen by the address alone, their texts found at the moment they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, render_template_string
from wtforms import Form, StringField
from wtforms.validators import InputRequired

from orders.settings import LANGUAGES, Settings, SettingsError
from webapp import create_app
from webapp.languages import (
    ENGLISH,
    LanguagePrefix,
    _,
    _l,
    content_lang,
    current_language,
    language,
    languages,
    ngettext,
    pgettext,
    speaking,
)
from webapp.overload import Door
from webapp.waiting_line import Bounds

GERMAN = language("de", "/de")


@pytest.fixture(scope="module")
def app() -> Flask:
    """An application that nobody connects to anything."""
    return create_app(Settings())


@pytest.mark.parametrize("given", ["xx", "en,xx", "", "en,,de", "EN"])
def test_a_language_that_the_shop_does_not_speak_refuses_to_start(given: str) -> None:
    """And says which ones there are."""
    with pytest.raises(SettingsError, match=f"CARTWRIGHT_LANGUAGES must be of {', '.join(LANGUAGES)}"):
        Settings.from_environment({"CARTWRIGHT_LANGUAGES": given})


def test_the_first_language_has_no_prefix() -> None:
    """A shop for Germany alone turns them around; blanks and doubles do no harm."""
    settings = Settings.from_environment({"CARTWRIGHT_LANGUAGES": "de, en,de"})
    with create_app(settings).app_context():
        assert [(one.code, one.prefix) for one in languages().offered] == [("de", ""), ("en", "/en")]
        assert current_language().code == "de"


def test_the_owner_writes_in_the_shops_first_language() -> None:
    """An English page of a German shop says of the owner's words that they are German."""
    with create_app(Settings.from_environment({"CARTWRIGHT_LANGUAGES": "de,en"})).app_context():
        words = "<b{{ content_lang }}>Kiste</b>"
        assert content_lang() == ""
        assert render_template_string(words) == "<b>Kiste</b>"
        with speaking(languages().find("en")):
            assert content_lang() == ' lang="de"'
            assert render_template_string(words) == '<b lang="de">Kiste</b>'


@pytest.mark.parametrize(
    ("locale", "code"), [("de", "de"), ("de-AT", "de"), ("DE", "de"), ("fr", "en"), ("", "en")]
)
def test_a_locale_finds_its_language_or_the_shops_own(app: Flask, locale: str, code: str) -> None:
    """What an order or a customer remembers may be on offer no more."""
    with app.app_context():
        assert languages().find(locale).code == code


def passed_on(path: str, mounted_at: str = "") -> tuple[str, str, str]:
    """What the application behind the layer sees: its mount point, the path, and the language's code or nothing."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(environ)
        return ()

    layer = LanguagePrefix(application, [ENGLISH, GERMAN])
    layer({"PATH_INFO": path, "SCRIPT_NAME": mounted_at}, lambda *rest: lambda data: None)
    chosen = seen.get("cartwright.language")
    return seen["SCRIPT_NAME"], seen["PATH_INFO"], chosen.code if chosen else ""


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/de/shop", ("/de", "/shop", "de")),
        ("/de/", ("/de", "/", "de")),
        ("/de", ("/de", "", "de")),
        ("/de/de/shop", ("/de", "/de/shop", "de")),
        ("/shop", ("", "/shop", "")),
        ("/", ("", "/", "")),
        ("", ("", "", "")),
        ("/desk", ("", "/desk", "")),
        ("/en/shop", ("", "/en/shop", "")),
        ("/DE/shop", ("", "/DE/shop", "")),
        ("//de/shop", ("", "//de/shop", "")),
    ],
)
def test_a_prefix_becomes_the_mount_point(path: str, seen: tuple[str, str, str]) -> None:
    """Only a whole first part that is a language on offer; the first language has no second address."""
    assert passed_on(path) == seen


@pytest.mark.parametrize(
    "path",
    [
        "/static/css/shop.css",
        "/healthz",
        "/console",
        "/console/orders",
        "/sitemaps/shelves.xml",
        "/robots.txt",
    ],
)
def test_what_has_no_language_is_not_found_below_a_prefix(path: str) -> None:
    """It would be a second address for the same thing; the path stays, and no route has it."""
    assert passed_on(f"/de{path}") == ("", f"/de{path}", "")


def test_the_console_is_english_whatever_the_shop_speaks() -> None:
    """It shares form parts and formats with the shop's pages."""
    assert passed_on("/console/orders")[2] == "en"


def test_a_text_is_looked_up_when_it_is_shown(app: Flask) -> None:
    """A label of a class is made once, before anybody has asked for a page."""
    label = _l("Cart")
    assert str(label) == "Cart"
    with speaking(GERMAN):
        assert (str(label), f"{label}", label.upper()) == ("Warenkorb", "Warenkorb", "WARENKORB")
        assert label == "Warenkorb"
    assert label == "Cart"


def test_values_are_filled_in_and_a_text_without_translation_stays() -> None:
    """`%(name)s` as gettext's tools know it; a text that no catalogue has is shown in English, not lost."""
    with speaking(GERMAN):
        assert _("%(name)s is in your cart.", name="Becher") == "Becher liegt in Ihrem Warenkorb."
        assert _("No catalogue has %(this)s: 100 %%", this="one") == "No catalogue has one: 100 %"
        assert ngettext("%(num)s left", "%(num)s left", 3) == "noch 3 verfügbar"
        assert pgettext("of delivery", "free") == "kostenlos"
    assert ngettext("%(num)s thing", "%(num)s things", 1) == "1 thing"
    assert ngettext("%(num)s thing", "%(num)s things", 0) == "0 things"


def test_a_template_writes_in_the_language_of_the_page_and_escapes_what_it_is_given(app: Flask) -> None:
    """Blocks and calls alike, in macros, too, which do not see the page's variables."""
    text = (
        '{% macro inner(name) %}{{ root }}/cart {{ _("Cart") }} {{ label }}'
        "{% trans %}{{ name }} is out of your cart.{% endtrans %}{% endmacro %}{{ inner('<b>') }}"
    )
    with app.test_request_context("/"), speaking(GERMAN):
        drawn = render_template_string(text, label="")
    assert drawn == "/de/cart Warenkorb &lt;b&gt; ist nicht mehr in Ihrem Warenkorb."


def test_a_form_speaks_the_language_of_the_page(app: Flask) -> None:
    """One class of form for all requests: its label and its message are looked up when they are drawn."""

    class Question(Form):
        name = StringField(_l("Cart"), [InputRequired(_l("Quantity"))])

    with app.test_request_context("/"), speaking(GERMAN):
        form = Question()
        assert not form.validate()
        drawn = render_template_string("{{ f.label.text }}: {{ f.errors[0] }}", f=form.name)
    assert drawn == "Warenkorb: Menge"


def write_in_vain() -> None:
    """A letter whose writing fails."""
    with speaking(GERMAN):
        assert current_language().code == "de"
        raise ZeroDivisionError


def test_a_letter_has_its_own_language_inside_a_page_of_another(app: Flask) -> None:
    """Even when the writing of it fails, the page goes on in its own."""
    environ = {"cartwright.language": replace(ENGLISH, prefix="/en")}
    with app.test_request_context("/", environ_overrides=environ):
        with pytest.raises(ZeroDivisionError):
            write_in_vain()
        assert current_language().prefix == "/en"


def test_the_address_of_the_german_front_ends_with_a_slash(app: Flask) -> None:
    """So that it has one; what was asked for besides comes along."""
    answer = app.test_client().get("/de?from=letter")
    assert (answer.status_code, answer.location) == (301, "/de/?from=letter")


@pytest.mark.parametrize(
    ("path", "said"),
    [("/de/shop", "Gerade sind sehr viele Menschen hier"), ("/shop", "Many people are here right now")],
)
def test_a_full_shop_says_so_in_the_language_of_the_address(path: str, said: str) -> None:
    """The door stands before the application that would know the language."""
    door = Door(lambda environ, start_response: (), Bounds(most=0, in_line=0), offered=[ENGLISH, GERMAN])
    started: list[str] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    body = b"".join(door(environ, lambda status, *rest: started.append(status)))  # type: ignore[arg-type, return-value]
    assert started == ["503 SERVICE UNAVAILABLE"]
    assert said in body.decode()
    assert f"<html lang={'de' if path.startswith('/de/') else 'en'}>" in body.decode()
