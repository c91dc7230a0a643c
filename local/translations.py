"""Catalogues of texts: found in the sources, kept as .po for translators, compiled to .mo for the programs.

`python -m local.translations [FEATURE ...]` brings them up to date and says what is left to translate. Each feature has
a catalogue of its own. Babel does the work and is needed here alone: the programs read the .mo with the standard library.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from orders.formats import SOURCE_LANGUAGE
from orders.settings import LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
COMMENT = "Translators:"
_JINJA = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
_TEMPLATES = frozenset({".html", ".txt", ".words"})
_METHODS: dict[str, Any] = {".py": extract_python, **dict.fromkeys(_TEMPLATES, babel_extract)}
_WIDTH = 110
_UNTIMED = datetime(2026, 1, 1, tzinfo=UTC)
"""The time in every .mo: the same .po gives the same bytes."""
_CHANGING = (
    "Language-Team",
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Report-Msgid-Bugs-To",
    "Generated-By",
)
"""Lines of a .po that would change without a text having changed."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A catalogue: its name, the folder of the translations, and the sources whose path begins in one of these ways."""

    name: str
    translations: str
    sources: tuple[str, ...]


WEB, LETTERS = "webapp/translations", "lambdas/notify_customer/translations"
_PARTS = "webapp/templates/components"
FEATURES = (
    Feature("account", WEB, ("webapp/account/", "webapp/templates/account/", "webapp/passwords.py")),
    Feature("cart", WEB, ("webapp/cart/", "webapp/templates/cart/")),
    Feature(
        "catalog",
        WEB,
        ("webapp/catalog/", "webapp/templates/catalog/", f"{_PARTS}/filters.html", f"{_PARTS}/recent.html"),
    ),
    Feature(
        "checkout",
        WEB,
        (
            "webapp/checkout/",
            "webapp/refusal_words.py",
            "webapp/templates/checkout/",
            *(f"{_PARTS}/{part}.html" for part in ("coupon", "form", "steps", "summary")),
        ),
    ),
    Feature("tracking", WEB, ("webapp/tracking/", "webapp/templates/tracking/")),
    Feature("formats", WEB, ("webapp/formats.py",)),
    Feature("letters", LETTERS, ("lambdas/notify_customer/",)),
    Feature("shell", WEB, ("webapp/",)),
)
"""A source belongs to the first that names it."""
_ENGLISH_ONLY = (
    "webapp/console/",
    "webapp/templates/console/",
    "webapp/templates/post/",
    "webapp/templates/styleguide.html",
    "webapp/languages.py",
)


def sources() -> Iterator[tuple[Feature, Path]]:
    """Every file that may hold texts for shoppers, with its feature."""
    for folder in ("lambdas/notify_customer", "webapp"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in _METHODS or name.startswith(_ENGLISH_ONLY):
                continue
            feature = next((one for one in FEATURES if name.startswith(one.sources)), None)
            if feature is not None:
                yield feature, path


def found_texts() -> dict[Feature, Catalog]:
    """The texts of the sources, by feature; without line numbers, which change with every edit."""
    found = {feature: Catalog() for feature in FEATURES}
    for feature, path in sources():
        for _line, text, comments, context in extract_from_file(
            _METHODS[path.suffix],
            path,
            KEYWORDS,
            (COMMENT,),
            _JINJA if path.suffix in _TEMPLATES else {},
            strip_comment_tags=True,
        ):
            place = (path.relative_to(ROOT).as_posix(), 0)
            found[feature].add(text, None, [place], auto_comments=comments, context=context)
    return found


def updated(feature: Feature, texts: Catalog, language: str) -> Catalog:
    """The feature's catalogue in this language: translations that are there stay, texts that are gone go."""
    path = po_path(feature, language)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language, ignore_obsolete=True)
    else:
        catalog = Catalog(locale=language)
    catalog.project, catalog.version, catalog.fuzzy = "Cartwright", feature.name, False
    catalog.header_comment = (
        f"# Cartwright: the texts of {feature.name}. How to change them: docs/languages.md."
    )
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The file for translators."""
    written = io.BytesIO()
    write_po(written, catalog, width=_WIDTH, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(
        line for line in lines if not line.startswith(tuple(f'"{name}:' for name in _CHANGING))
    ).encode()


def as_mo(catalog: Catalog) -> bytes:
    """The file for the programs."""
    catalog.creation_date = catalog.revision_date = _UNTIMED
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def po_path(feature: Feature, language: str) -> Path:
    """Where a feature's translations are."""
    return ROOT / feature.translations / language / f"{feature.name}.po"


def untranslated(catalog: Catalog) -> list[str]:
    """The texts that have no translation, or one that somebody must look at again."""
    return [
        str(message.id)
        for message in catalog
        if message.id and (message.fuzzy or not message.string or not all(message.string))
    ]


def files(names: list[str]) -> Iterator[tuple[Path, bytes, list[str]]]:
    """Every catalogue file of these features (all, when none is named) as it should be, with what its .po lacks."""
    texts = found_texts()
    for feature in FEATURES:
        if not len(texts[feature]) or (names and feature.name not in names):
            continue
        for language in LANGUAGES:
            if language != SOURCE_LANGUAGE:
                catalog = updated(feature, texts[feature], language)
                path = po_path(feature, language)
                yield path, as_po(catalog), untranslated(catalog)
                yield path.with_suffix(".mo"), as_mo(catalog), []


def main(names: list[str]) -> int:
    """Write what changed. Exit code 1 when a text has no translation yet, 2 when a feature is not known."""
    known = [feature.name for feature in FEATURES]
    if wrong := [name for name in names if name not in known]:
        print(f"There is no feature {', '.join(wrong)}; there are {', '.join(known)}.")
        return 2
    lacking = 0
    for path, content, missing in files(names):
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"wrote {path.relative_to(ROOT)}")
        for text in missing:
            print(f"{path.relative_to(ROOT)}: not translated: {text}")
        lacking += len(missing)
    return int(lacking > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
