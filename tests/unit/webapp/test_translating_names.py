"""`_` means "translated" wherever a shopper's texts are: what it writes, and that nobody uses the name for something else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from orders.settings import Settings
from webapp.languages import languages, register_languages, speaking

ROOT = Path(__file__).resolve().parents[3]
_NOT_FOR_SHOPPERS = ("console/", "styleguide.html", "bank/", "post/")
_PROGRAM = re.compile(
    r"{%-?\s*block \w+_class\b.*?endblock\s*-?%}|{%[-+]?\s*trans\b.*?endtrans\s*[-+]?%}|{#.*?#}|{{.*?}}|{%.*?%}"
    r"|<(?P<silent>style|script)\b.*?</(?P=silent)>",
    re.DOTALL,
)
_HEARD = re.compile(r'\s(?:alt|aria-label|placeholder|title|data-say-[\w-]+)="([^"]*)"')
_WORD = re.compile(r"[^\W\d_]{2}")
_TAKEN = re.compile(r"{%-?\s*(?:set\s+_\s*=|for\s+(?:\w+,\s*)*_\s*(?:,\s*\w+\s*)*in\b)")


def test_no_template_takes_the_name() -> None:
    """`{% set _ = list.append(x) %}` ends the translating for the rest of its macro: a 500 where a text follows."""
    taken = [
        path.relative_to(ROOT).as_posix()
        for folder in ("webapp/templates", "lambdas")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".html", ".txt", ".words"} and _TAKEN.search(path.read_text())
    ]
    assert taken == []


def test_no_template_says_a_word_that_is_not_marked() -> None:
    """What a shopper reads or hears stands in `{% trans %}` or `_()`, or no other language will ever have it."""
    folder = ROOT / "webapp/templates"
    found = {
        name: words
        for path in sorted(folder.rglob("*.html"))
        if not (name := path.relative_to(folder).as_posix()).startswith(_NOT_FOR_SHOPPERS)
        and (words := _unmarked(path.read_text()))
    }
    assert found == {}
    assert _unmarked('<h1 title="A title">{{ _("Marked") }} Not marked &nbsp;</h1>') == [
        "A title",
        "Not marked",
    ]


def _unmarked(template: str) -> list[str]:
    rest = re.sub(r"&\w+;", "", _PROGRAM.sub("", template))
    said = _HEARD.findall(rest) + re.split(r"<[^>]*>", rest)
    return [" ".join(text.split()) for text in said if _WORD.search(text)]


def test_no_function_that_translates_takes_the_name() -> None:
    """`at, _, rest = text.partition(":")` makes `_("…")` in the same function an error."""
    taken = [
        f"{path.relative_to(ROOT).as_posix()}: {function.name}"
        for path in sorted((ROOT / "webapp").rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef) and _takes(function) and _translates(function)
    ]
    assert taken == []


def test_templates_escape_what_is_put_into_a_text() -> None:
    """The text is the sources' own and may hold markup; the values may be a shopper's. In plain text nothing is escaped."""
    app = Flask("words")
    register_languages(app, Settings())
    text = "{% trans name=name %}Thank you, {{ name }}.{% endtrans %}<{{ _('To') }}>"
    for language, thanks, to in (("en", "Thank you", "To"), ("de", "Vielen Dank", "An")):
        with app.app_context(), speaking(languages().find(language)):
            plain = app.jinja_env.overlay(autoescape=False).from_string(text).render(name="<b>")
            assert plain == f"{thanks}, <b>.<{to}>"
            page = app.jinja_env.overlay(autoescape=True).from_string(text).render(name="<b>")
            assert page == f"{thanks}, &lt;b&gt;.<{to}>"


def _takes(function: ast.FunctionDef) -> bool:
    names = (node for node in _own_nodes(function) if isinstance(node, ast.Name))
    return any(name.id == "_" and isinstance(name.ctx, ast.Store) for name in names)


def _translates(function: ast.FunctionDef) -> bool:
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(isinstance(call.func, ast.Name) and call.func.id == "_" for call in calls)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What is in a function's own scope: comprehensions have one of their own."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield node
            yield from _own_nodes(node)
