"""Templates have the texts of their language in them when they are compiled."""

from __future__ import annotations

import gettext
from collections.abc import Iterator

import pytest
from flask import Flask, render_template
from jinja2 import DictLoader

from orders.settings import Settings
from webapp.languages import Language, register_languages, speaking
from webapp.spoken_templates import SpokenEnvironment

TEMPLATES = {
    "page.html": '<a href="{{ root }}/cart">{{ _("Cart") }}</a>',
    "value.html": "{% trans name=name %}Hello, <b>{{ name }}</b>: 100 % yours{% endtrans %}",
    "value.txt": "{% trans name=name %}Hello, {{ name }}{% endtrans %}",
    "choice.html": "{{ _(text) }}|{% trans num=count %}{{ num }} item{% pluralize %}{{ num }} items{% endtrans %}",
    "whole.html": '{% extends "frame.html" %}{% block body %}{{ _("Cart") }}{% endblock %}',
    "frame.html": "{% from 'word.html' import word %}{{ word() }}: {% block body %}{% endblock %}",
    "shop.html": '{{ shop_name }}|{{ asset("no/such.css") }}|{{ language.code }}|<i{{ content_lang }}>{{ public_url }}',
    "shop.txt": "{{ shop_name }}|{{ root }}/cart|{{ content_lang }}",
    "pieces.html": '{{ _("Cart") }} {% trans %}of{% endtrans %} {{ shop_name }} {{ root }}{% if x %}{{ root }}{% trans %}a{% endtrans %}{% endif %}',
    "word.html": '{% macro word() %}{{ pgettext("a place", "Shop") }}{% endmacro %}',
}


class Loud(gettext.NullTranslations):
    """A language of capitals. `asked` are the texts that were looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def gettext(self, message: str) -> str:
        self.asked.append(message)
        return message.replace("Hello", "HELLO").replace("Cart", "CART").replace("yours", "YOURS")

    def pgettext(self, context: str, message: str) -> str:
        return message.upper()

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return (msgid1 if n == 1 else msgid2).upper().replace("(NUM)S", "(num)s")


@pytest.fixture
def loud() -> Language:
    texts = Loud()
    return Language("de", "Deutsch", "/de", texts, texts.gettext)


@pytest.fixture
def app() -> Iterator[Flask]:
    """An application with the templates above and nothing else."""
    app = Flask(__name__)
    app.jinja_environment = SpokenEnvironment  # type: ignore[assignment]
    app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
    register_languages(app, Settings(shop_name="Salt & Co", public_url="http://salt.example"))
    with app.test_request_context("/"):
        yield app


def test_each_language_has_its_own_page(app: Flask, loud: Language) -> None:
    """In turn, so that none is kept for the other."""
    for _ in range(2):
        assert render_template("page.html") == '<a href="/cart">Cart</a>'
        with speaking(loud):
            assert render_template("page.html") == '<a href="/de/cart">CART</a>'


def test_a_text_is_looked_up_once(app: Flask, loud: Language) -> None:
    """When the template is compiled, not when it is drawn."""
    assert isinstance(loud.texts, Loud)
    with speaking(loud):
        for _ in range(3):
            render_template("page.html")
    assert loud.texts.asked == ["Cart"]


def test_values_are_escaped_where_templates_escape(app: Flask, loud: Language) -> None:
    """The text's own markup stays; a percent sign is one."""
    with speaking(loud):
        page = render_template("value.html", name="<i>Ada</i>")
        assert page == "HELLO, <b>&lt;i&gt;Ada&lt;/i&gt;</b>: 100 % YOURS"
        assert render_template("value.txt", name="<i>Ada</i>") == "HELLO, <i>Ada</i>"


def test_what_is_known_when_it_is_drawn_is_looked_up_then(app: Flask, loud: Language) -> None:
    """A text that comes as a value, and a number of things."""
    with speaking(loud):
        assert render_template("choice.html", text="Cart", count=1) == "CART|1 ITEM"
        assert render_template("choice.html", text="Hello", count=2) == "HELLO|2 ITEMS"


def test_frames_and_macros_speak_the_language_of_the_page(app: Flask, loud: Language) -> None:
    """However deep a template is fetched."""
    assert render_template("whole.html") == "Shop: Cart"
    with speaking(loud):
        assert render_template("whole.html") == "SHOP: CART"


def test_what_stays_as_it_is_is_written_when_a_template_is_compiled(app: Flask, loud: Language) -> None:
    """The shop's name, its address, static files and languages: no page has to bring them, and they are escaped as values are."""
    english = "Salt &amp; Co|/static/no/such.css|en|<i>http://salt.example"
    assert render_template("shop.html") == english
    with speaking(loud):
        assert render_template("shop.html") == english.replace("|en|<i>", '|de|<i lang="en">')
        assert render_template("shop.txt") == 'Salt & Co|/de/cart| lang="en"'


def test_what_is_known_is_one_piece(app: Flask) -> None:
    """However many texts stand beside each other, a page that is drawn writes them at once."""
    template = app.jinja_env.get_template("pieces.html")
    assert list(template.generate(x=False)) == ["Cart of Salt &amp; Co "]
    assert list(template.generate(x=True)) == ["Cart of Salt &amp; Co ", "a"]
