"""Methods of delivery in the shop's languages: what the owner's table says, and what is shown where it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orders import delivery_methods as table
from orders.delivery_methods import delivery_methods, delivery_words


@pytest.fixture
def owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A table of another shop, which is read from here on."""
    path = tmp_path / "methods.csv"
    monkeypatch.setattr(table, "_TABLE", path)
    _forget()
    yield path
    _forget()


def _forget() -> None:
    delivery_methods.cache_clear()
    table._words_in.cache_clear()


def test_every_method_of_the_shop_has_german_words() -> None:
    """A German page says nothing in English of how the order comes."""
    for method in delivery_methods():
        for english in (method.name, method.note):
            assert delivery_words(english, "de") != english
            assert delivery_words(english, "en") == english


def test_what_the_owner_did_not_translate_is_shown_in_english(owners: Path) -> None:
    """A table with half of the words, and one without a column for the language."""
    owners.write_text(
        "code,name,name:de,note,position\npost,Post,,By foot,2\nvan,Van,Lieferwagen,By road,1\n"
    )
    assert [method.code for method in delivery_methods()] == ["van", "post"]
    german = [delivery_words(text, "de") for text in ("Van", "By road", "Post", "By foot")]
    assert german == ["Lieferwagen", "By road", "Post", "By foot"]
    assert delivery_words("Van", "fr") == "Van"


def test_a_method_that_was_renamed_keeps_its_name_in_old_orders() -> None:
    """An order keeps the name that it was bought with."""
    assert delivery_words("Stage coach", "de") == "Stage coach"
