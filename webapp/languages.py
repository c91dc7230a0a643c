"""The languages of the shop's pages: a prefix in the address chooses one, and gettext catalogues hold its texts.

English is the language of the sources. `/shop` is a page in the shop's first language, `/de/shop` the same page in German:
one address shows one language, so nothing between here and a shopper can mix them (docs/languages.md, docs/adr/0017).
"""

from __future__ import annotations

import gettext as stdlib
from collections import UserString
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, redirect, request
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from orders.formats import SOURCE_LANGUAGE
from orders.settings import LANGUAGES, Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRANSLATIONS = Path(__file__).parent / "translations"
WITHOUT_LANGUAGE = (
    "/static/",
    "/favicon.ico",
    "/robots.txt",
    "/sitemap",
    "/healthz",
    "/readyz",
    "/console",
    "/bank/",
    "/carriers/",
    "/post/",
    "/webhooks/",
    "/inbox",
    "/styleguide",
)
"""Addresses that no language has a page of its own for: below a prefix there is nothing."""
_KEY = "cartwright.language"
MOST_TEXTS = 8_192


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the shop: its code (`de`), its own name (`Deutsch`), its prefix (`/de`, or empty) and its texts."""

    code: str
    name: str
    prefix: str
    texts: stdlib.NullTranslations
    gettext: Callable[[str], str]


def language(code: str, prefix: str = "") -> Language:
    """A language that Cartwright knows, with its catalogues read."""
    texts = read_texts(code)
    # Of the texts of the sources there are some hundred. The bound is for a text that should not have come here.
    return Language(code, LANGUAGES[code], prefix, texts, lru_cache(MOST_TEXTS)(texts.gettext))


@cache
def read_texts(code: str) -> stdlib.NullTranslations:
    """The catalogues of all features as one, read once per process. A text that has no translation stays as it is in the sources."""
    texts = stdlib.NullTranslations()
    for path in sorted((TRANSLATIONS / code).glob("*.mo")):
        with path.open("rb") as file:
            found = stdlib.GNUTranslations(file)
        found.add_fallback(texts)
        texts = found
    return texts


ENGLISH = language(SOURCE_LANGUAGE)
_chosen: ContextVar[Language | None] = ContextVar("chosen_language", default=None)


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages on offer. The first one's addresses have no prefix."""

    offered: tuple[Language, ...]

    @property
    def first(self) -> Language:
        """The shop's own language."""
        return self.offered[0]

    def find(self, locale: str) -> Language:
        """The language of a locale such as `de-AT`; the first one where it is not on offer."""
        code = locale[:2].lower()
        return next((one for one in self.offered if one.code == code), self.first)


def languages() -> Languages:
    """Those of the current application."""
    found: Languages = current_app.extensions["cartwright-languages"]
    return found


def current_language() -> Language:
    """The language to write in: of `speaking`, else of the page that is asked for, else the shop's first.

    Outside an application it is English.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    try:
        named: Language | None = request.environ.get(_KEY)
    except RuntimeError:
        named = None
    if named is not None:
        return named
    return languages().first if current_app else ENGLISH


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Write in this language inside the block, whatever the page's is: for a letter, or for a stream after its request."""
    token = _chosen.set(language)
    try:
        yield
    finally:
        _chosen.reset(token)


# --- texts: Babel finds the calls of these names (local/translations.py) --------------------------------------


def _(text: str, /, **values: Any) -> str:
    """The text in the current language, with `%(name)s` replaced. Always a format: a percent sign is written `%%`."""
    return current_language().gettext(text) % values


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """The text for a number of things, which is `%(num)s` in it."""
    return current_language().texts.ngettext(one, many, num) % {"num": num, **values}


def pgettext(context: str, text: str, /, **values: Any) -> str:
    """As `_`, for a word that another language has several words for: the context says which is meant."""
    return current_language().texts.pgettext(context, text) % values


def N_(text: str) -> str:  # noqa: N802 (as gettext is known everywhere)
    """Marks a text for the catalogues and leaves it as it is: for one that is kept in English, in a row of a table, and
    gets its reader's language when it is shown, by `_`."""
    return text


@pass_eval_context
def _in_template(context: EvalContext, text: str, /, **values: Any) -> str:
    """`_` for templates: markup where they escape, in which the values are escaped; plain text where they do not.

    Literal texts do not come here: spoken_templates.py has put them in their places.
    """
    found = current_language().gettext(text)
    return (Markup(found) if context.autoescape else found) % values  # noqa: S704 (the sources' own)


class LazyText(UserString):
    """A text of a module or a class: it is looked up each time it is written, in the language of that moment.

    What is made of one, as validators fill in its limits with `%`, is a text of that moment and stays as it is.
    """

    def __init__(self, text: str, values: dict[str, Any] | None = None) -> None:
        # Not the parent's: it would keep one reading.
        self._text = text
        self._values = values

    @property
    def data(self) -> str:  # type: ignore[override]
        """The text now."""
        return self._text if self._values is None else _(self._text, **self._values)

    def __html__(self) -> Markup:
        """For Markup and JSON: what `escape` makes of the text."""
        return escape(self.data)


def _l(text: str, /, **values: Any) -> Any:
    """As `_`, but looked up when it is shown: for labels of forms and constants of modules. Typed Any, for what takes str."""
    return LazyText(text, values)


# --- addresses ----------------------------------------------------------------------------------------------


class LanguagePrefix:
    """A WSGI layer that moves a language's prefix from the path to the mount point.

    So routing sees the plain path, and `url_for`, redirects and the page cache follow the language by themselves.
    """

    def __init__(self, application: WSGIApplication, offered: Sequence[Language]) -> None:
        self._next = application
        self._first, *_others = offered
        self._by_prefix = {one.prefix[1:]: one for one in offered if one.prefix}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See WSGI (PEP 3333)."""
        first, slash, rest = environ.get("PATH_INFO", "")[1:].partition("/")
        found = self._by_prefix.get(first)
        if found is not None and not (slash + rest).startswith(WITHOUT_LANGUAGE):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + found.prefix
            environ["PATH_INFO"] = slash + rest
            environ[_KEY] = found
        elif first == "console":
            # Whatever the shop speaks; so do the parts that it shares with the shop's pages.
            environ[_KEY] = ENGLISH
        # A page asks for its language some hundred times: here it is found at once, the way through the request is ten times
        # as long.
        token = _chosen.set(environ.get(_KEY, self._first))
        try:
            return self._next(environ, start_response)
        finally:
            _chosen.reset(token)


class Root:
    """What every address in a template begins with: `{{ root }}/shop`. In pages, macros and letters alike."""

    def __str__(self) -> str:
        return current_language().prefix

    __html__ = __str__


class LangAttribute(str):
    """` lang="en"` or nothing, made of the codes of our own languages alone: a template need not escape it."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def content_lang() -> LangAttribute:
    """What the element says that has the owner's own words in it, such as a product's name: ` lang="en"` on a German page.

    They are in the shop's first language (WCAG 2.2, 3.1.2). Empty on that language's pages.
    """
    return lang_of(languages().first, current_language())


def lang_of(content: Language, page: Language) -> LangAttribute:
    """The attribute of an element in one language on a page in another; empty where they are the same."""
    return LangAttribute("" if content.code == page.code else f' lang="{content.code}"')


class ContentLang:
    """`content_lang` for templates: `<h1{{ content_lang }}>{{ product.name }}</h1>`."""

    def __str__(self) -> str:
        return content_lang()

    __html__ = __str__


def alternates(offered: Sequence[Language]) -> list[tuple[str, str]]:
    """(hreflang, prefix) of every version of a page, for search engines; the first language is for all others, too."""
    if len(offered) < 2:
        return []
    return [*((one.code, one.prefix) for one in offered), ("x-default", offered[0].prefix)]


def addresses_by_language() -> list[tuple[Language, str]]:
    """This page in each language on offer, as (language, path): for the switch. Empty where there is nothing to choose."""
    offered = languages().offered
    if len(offered) < 2 or request.path.startswith(WITHOUT_LANGUAGE):
        return []
    rule = request.url_rule
    can_be_opened = rule is not None and "GET" in (rule.methods or ())
    # One slash: an address that begins with two would lead to another site.
    here = "/" + request.full_path.rstrip("?").lstrip("/") if can_be_opened else "/"
    return [(one, one.prefix + here) for one in offered]


def _with_slash() -> Response | None:
    """`/de` is the front of the German shop, whose address is `/de/`."""
    if request.environ["PATH_INFO"] or not request.script_root:
        return None
    asked = request.query_string.decode("ascii", "ignore")
    return redirect(f"{request.script_root}/{'?' if asked else ''}{asked}", 301)


def register_languages(app: Flask, settings: Settings) -> None:
    """Read the catalogues, and let templates translate (`{% trans %}`, `_()`) and name addresses (`root`)."""
    codes = settings.language_codes
    offered = tuple(language(code, f"/{code}" if n else "") for n, code in enumerate(codes))
    app.extensions["cartwright-languages"] = Languages(offered)
    # What templates have in them when they are compiled (spoken_templates.py).
    app.extensions["cartwright-constants"] = {
        "content_code": offered[0].code,
        "shop_name": settings.shop_name,
        "public_url": settings.public_url,
    }
    app.before_request(_with_slash)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: current_language().gettext(text),
        lambda one, many, num: current_language().texts.ngettext(one, many, num),
        newstyle=True,
        pgettext=lambda context, text: current_language().texts.pgettext(context, text),
        npgettext=lambda context, one, many, num: current_language().texts.npgettext(context, one, many, num),
    )
    # Jinja's own way to the same text, through two more calls and a format, takes four times as long.
    app.jinja_env.globals.update(
        _=_in_template,
        gettext=_in_template,
        root=Root(),
        content_lang=ContentLang(),
        addresses_by_language=addresses_by_language,
        alternates=alternates(offered),
    )

    @app.context_processor
    def _parts() -> dict[str, Any]:
        return {"language": current_language()}


def serve_languages(app: Flask) -> None:
    """Let the prefixes choose. Outside the page cache, so that it tells the languages apart."""
    offered = app.extensions["cartwright-languages"].offered
    app.wsgi_app = LanguagePrefix(app.wsgi_app, offered)  # type: ignore[method-assign]
