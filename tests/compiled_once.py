"""What an application compiles when it starts, its addresses and its templates, compiled once for all of a test process.

Tests start hundreds of applications out of the same sources. Each still registers its own routes and loads its own
templates: only the code that was made of the same text before is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import jinja2
import pytest
from werkzeug.routing import Rule

# Werkzeug's and Jinja's own functions, which are looked at from outside: typed by what is used of them.
_compile_builder: Callable[[Rule, bool], Any] = Rule._compile_builder
_compile: Callable[..., CodeType] = jinja2.Environment.compile


@contextmanager
def compiled_once() -> Iterator[None]:
    """Within it, the same rule and the same template in the same language are compiled once."""
    builders: dict[Any, Any] = {}
    templates: dict[Any, CodeType] = {}

    def builder_of(rule: Rule, append_unknown: bool = True) -> Any:
        # A default is written into the code by its converter: such rules, which are few, are left alone.
        if rule.defaults:
            return _compile_builder(rule, append_unknown)
        key = (tuple(rule._trace), append_unknown)
        if key not in builders:
            builders[key] = _compile_builder(rule, append_unknown)
        return builders[key]

    def compiled(
        environment: jinja2.Environment, source: Any, name: Any = None, filename: Any = None, *rest: Any
    ) -> CodeType:
        language = getattr(environment, "language", None)
        if language is None or filename is None or rest:
            return _compile(environment, source, name, filename, *rest)
        # The texts are compared by identity: a language of a test's own is another one, whatever its code.
        constants = tuple(environment.constants().items())  # type: ignore[attr-defined]
        key = (language.texts, language.code, constants, name, filename, source)
        if key not in templates:
            templates[key] = _compile(environment, source, name, filename)
        return templates[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", builder_of)
        patch.setattr(jinja2.Environment, "compile", compiled)
        yield
