"""The catalogues: nothing missing, nothing out of date, the same placeholders and markup as the text they translate."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from local.translations import FEATURES, WEB, files, po_path
from orders.formats import SOURCE_LANGUAGE, WRITINGS
from orders.settings import LANGUAGES

TRANSLATED = [code for code in LANGUAGES if code != SOURCE_LANGUAGE]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
TAG = re.compile(r"<[^>]*>|&\w+;")


def catalogues(language: str) -> dict[str, Catalog]:
    """The .po files of a language by feature."""
    found = {}
    for feature in FEATURES:
        path = po_path(feature, language)
        if path.exists():
            with path.open("rb") as file:
                found[feature.name] = read_po(file, locale=language)
    return found


def texts(message: Message) -> list[tuple[str, str]]:
    """(source, translation) of a message, for each of its plural forms."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(message.id[-1], form) for form in message.string or ("",)]


def test_the_catalogues_are_what_the_sources_and_the_translations_make_them() -> None:
    """Every text is in its catalogue and translated, and every .mo holds its .po: `make translations` finds nothing to do."""
    stale, missing = [], []
    for path, content, lacking in files([]):
        if not path.exists() or path.read_bytes() != content:
            stale.append(path.name)
        missing += [f"{path.name}: {text}" for text in lacking]
    assert (stale, missing) == ([], [])


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_catalogue_is_left_of_a_feature_that_is_gone(language: str) -> None:
    """Its texts would still be spoken."""
    known = {po_path(feature, language) for feature in FEATURES}
    folders = {path.parent for path in known}
    assert {path for folder in folders for path in folder.glob("*.po")} <= known
    assert {path.with_suffix(".po") for folder in folders for path in folder.glob("*.mo")} <= known


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_and_the_markup_of_its_text(language: str) -> None:
    """A placeholder that is missing says nothing, one that is new fails the page, and markup is not invented."""
    wrong = [
        (feature, source, translation)
        for feature, catalog in catalogues(language).items()
        for message in catalog
        if message.id
        for source, translation in texts(message)
        for pattern in (PLACEHOLDER, TAG)
        if sorted(pattern.findall(source)) != sorted(pattern.findall(translation))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_text_of_two_features_has_one_translation(language: str) -> None:
    """They are merged when they are read: with two, chance would choose. Two meanings are told apart by a context."""
    web = {feature.name for feature in FEATURES if feature.translations == WEB}
    said: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for feature, catalog in catalogues(language).items():
        for message in catalog if feature in web else ():
            if message.id:
                said[(message.context, texts(message)[0][0])].add(str(message.string))
    assert {text: ways for text, ways in said.items() if len(ways) > 1} == {}


def test_german_has_its_own_quotation_marks() -> None:
    """„…“ and neither the English nor the straight ones, but in markup."""
    for feature, catalog in catalogues("de").items():
        for message in catalog:
            for _source, translation in texts(message) if message.id else ():
                plain = TAG.sub("", translation)
                assert not {'"', "”"} & set(plain), (feature, translation)
                assert plain.count("„") == plain.count("“"), (feature, translation)


def test_every_language_writes_amounts_and_days_and_has_catalogues() -> None:
    """A language is not on offer before all of it is there."""
    assert set(LANGUAGES) == set(WRITINGS)
    for language in TRANSLATED:
        assert (Path(WEB) / language).is_dir()
