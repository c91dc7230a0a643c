"""Templates in each language: a text is looked up when its template is compiled, not each time it is drawn.

A template is compiled once for each language that it is drawn in, so `{{ _("Search") }}` and `{{ root }}` are constants of the
German template, and cost what the letters of the template cost; so do the shop's name, its address and `{{ asset("css/shop.css") }}`,
which stay as they are for as long as a process lives. What has a count (`{% pluralize %}`) is chosen when it is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from gettext import NullTranslations
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from webapp.assets import asset
from webapp.languages import Language, Languages, current_language, lang_of

_LOOK_UPS = ("_", "gettext", "pgettext")
_BODIES = (
    nodes.Block,
    nodes.For,
    nodes.If,
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.With,
    nodes.Scope,
)
"""What holds parts of a template in the order in which they are written."""


class ImportedOnce(Template):
    """A template whose macros are made once, for whoever imports it.

    Jinja compares the names of the importing template's globals with its own for every import of every page, in case that
    somebody loads a template with globals of its own. Nobody does here: they are the environment's.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return super()._get_default_module(None)


class SpokenEnvironment(Environment):
    """Loads each template in the language that is spoken at that moment, by an environment for each language."""

    template_class = ImportedOnce
    language: Language | None = None

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self._by_texts: dict[NullTranslations, SpokenEnvironment] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own: no template is loaded with some of its own, and a chain of two mappings is walked name by name
        for each page and each import."""
        return super().make_globals(d) if d else self.globals

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
        folded: nodes.Template = _Folded(self.language, self.constants(), is_escaped).visit(tree)
        for node in folded.find_all(_BODIES):
            for part in ("body", "else_"):
                if hasattr(node, part):
                    setattr(node, part, _joined(getattr(node, part)))
        folded.body = _joined(folded.body)
        return folded

    def constants(self) -> Mapping[str, str]:
        """The names that stand for the same text on each page in this language; those of markup are Markup."""
        assert self.language is not None  # noqa: S101  (only what speaks one is compiled)
        offered: Languages = self.app.extensions["cartwright-languages"]
        return {
            "root": Markup(self.language.prefix),  # noqa: S704  (codes of our own)
            "content_lang": Markup(lang_of(offered.first, self.language)),  # noqa: S704  (the same)
            **self.app.extensions["cartwright-constants"],
        }


def _joined(body: list[nodes.Node]) -> list[nodes.Node]:
    """What is written in one go, as one node: the compiler then makes one piece of all constants in it."""
    result: list[nodes.Node] = []
    for node in body:
        last = result[-1] if result else None
        if isinstance(node, nodes.Output) and isinstance(last, nodes.Output):
            last.nodes.extend(node.nodes)
        else:
            result.append(node)
    return result


class _Folded(NodeTransformer):
    """Puts a language's texts, and what else is known before a page is drawn, in the place of what looks them up."""

    def __init__(self, language: Language, constants: Mapping[str, str], is_escaped: bool) -> None:
        self._language = language
        self._constants = constants
        self._is_escaped = is_escaped

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 (named after the node)
        """A literal text; with values it stays a format, which escapes them."""
        self.generic_visit(node)
        words = [each.value for each in node.args if isinstance(each, nodes.Const)]
        if len(words) < len(node.args) or node.dyn_args or node.dyn_kwargs:
            return node
        if not isinstance(node.node, nodes.Name):
            return node
        if node.node.name == "asset":
            return nodes.Const(asset(*words), lineno=node.lineno)
        if node.node.name not in _LOOK_UPS:
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
        """Where addresses begin, what an element with the owner's words says of their language, what the shop is called."""
        if node.name not in self._constants or node.ctx != "load":
            return node
        text = self._constants[node.name]
        # Markup is told to who escapes, and is plain text to who does not.
        return nodes.Const(text if self._is_escaped else str(text), lineno=node.lineno)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 (named after the node)
        """`language.code`, which every page begins with."""
        self.generic_visit(node)
        if isinstance(node.node, nodes.Name) and (node.node.name, node.attr) == ("language", "code"):
            return nodes.Const(self._language.code, lineno=node.lineno)
        return node

    def _written(self, text: str) -> str:
        return Markup(text) if self._is_escaped else text  # noqa: S704 (it is the sources' own)
