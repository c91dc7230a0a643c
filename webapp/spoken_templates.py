"""Templates in each language: a text is looked up when its template is compiled, not each time it is drawn.

A template is compiled once for each language that it is drawn in, so `{{ _("Search") }}` and `{{ root }}` are constants of the
German template, and cost what the letters of the template cost. What has a count (`{% pluralize %}`) is chosen when it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from gettext import NullTranslations
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from webapp.languages import Language, Languages, current_language, lang_of

_LOOK_UPS = ("_", "gettext", "pgettext")


class SpokenEnvironment(Environment):
    """Loads each template in the language that is spoken at that moment, by an environment for each language."""

    language: Language | None = None

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self._by_texts: dict[NullTranslations, SpokenEnvironment] = {}

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> Template:
        if self.language is not None:
            return super()._load_template(name, globals)
        return self._speaking(current_language())._load_template(name, globals)

    def _speaking(self, language: Language) -> SpokenEnvironment:
        found = self._by_texts.get(language.texts)
        if found is None:
            # It shares filters, globals and loader with this one; only its compiled templates are its own.
            found = self.overlay()
            found.language = language
            self._by_texts[language.texts] = found
        return found

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self.language is None:
            return tree
        is_escaped = self.autoescape(name) if callable(self.autoescape) else self.autoescape
        offered: Languages = self.app.extensions["cartwright-languages"]
        constants = {"root": self.language.prefix, "content_lang": lang_of(offered.first, self.language)}
        folded: nodes.Template = _Texts(self.language, constants, is_escaped).visit(tree)
        return folded


class _Texts(NodeTransformer):
    """Puts a language's texts in the place of the calls that look them up."""

    def __init__(self, language: Language, constants: Mapping[str, str], is_escaped: bool) -> None:
        self._language = language
        self._constants = constants
        self._is_escaped = is_escaped

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 (named after the node)
        """A literal text; with values it stays a format, which escapes them."""
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.node.name not in _LOOK_UPS:
            return node
        words = [each.value for each in node.args if isinstance(each, nodes.Const)]
        if len(words) < len(node.args) or node.dyn_args or node.dyn_kwargs:
            return node
        texts = self._language.texts
        text = self._written(
            texts.pgettext(*words) if node.node.name == "pgettext" else texts.gettext(*words)
        )
        if not node.kwargs:
            return nodes.Const(text % {}, lineno=node.lineno)
        values = [nodes.Pair(nodes.Const(each.key), each.value) for each in node.kwargs]
        return nodes.Mod(nodes.Const(text), nodes.Dict(values), lineno=node.lineno)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 (named after the node)
        """Where addresses begin, and what an element with the owner's words says of their language."""
        if node.name in self._constants and node.ctx == "load":
            return nodes.Const(self._written(self._constants[node.name]), lineno=node.lineno)
        return node

    def _written(self, text: str) -> str:
        return Markup(text) if self._is_escaped else text  # noqa: S704 (it is the sources' own)
