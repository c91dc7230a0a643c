"""The catalogue's tallies: products per category, per facet value and per word, kept exact by adding differences.

Whoever changes products takes `tally` of them before and after, in one transaction, and applies the difference. The
cost is that of the products changed, so it is the same in a shop of a thousand and of a million.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.catalog.models import FACETS, Category, FacetCount, SearchWord

K = TypeVar("K")

WORD = re.compile(r"[^\W\d_][\w]*")
SHORTEST_WORD = 3
BATCH = 5_000
CHANGE_LOCK = 0x6361_7461_6C6F_6775
"""The advisory lock ("catalogu") that lets one change of the catalogue's tallies in at a time."""

COMMON_WORDS = frozenset(["and", "for", "from", "made", "not", "set", "the", "two", "with"])
"""English words that the text search leaves out, or that lead nowhere in a shop."""


class Countable(Protocol):
    """What of a product is counted; a model row and a generated row both fit."""

    category_id: int
    name: str
    maker: str
    tags: list[str]
    attributes: dict[str, list[str]]
    is_active: bool


@dataclass(slots=True)
class Tally:
    """Counts of a set of products."""

    categories: Counter[int] = field(default_factory=Counter)
    facets: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def add(self, product: Countable) -> None:
        """Count one product, unless shoppers do not see it."""
        if not product.is_active:
            return
        self.categories[product.category_id] += 1
        for name in FACETS:
            for value in product.attributes.get(name, ()):
                self.facets[product.category_id, name, value] += 1
        self.words.update(words_of(product))


def words_of(product: Countable) -> set[str]:
    """The words by which shoppers look for a product: those of its name, maker, tags and facets, in lower case."""
    parts = [product.name, product.maker, *product.tags]
    parts += [value for name in FACETS for value in product.attributes.get(name, ())]
    found = WORD.findall(" ".join(parts).lower())
    return {word for word in found if len(word) >= SHORTEST_WORD and word not in COMMON_WORDS}


def tally(products: Iterable[Countable]) -> Tally:
    """The counts of these products."""
    counts = Tally()
    for product in products:
        counts.add(product)
    return counts


def lock_tallies(session: Session) -> None:
    """Wait until no other transaction changes the tallies, and keep others out until this one ends.

    The time limits that the web application puts on a page's statements are lifted for this transaction: bulk work
    and its wait for the lock take as long as they take.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text("SET LOCAL lock_timeout = 0"))
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHANGE_LOCK})


def apply_difference(session: Session, before: Tally, after: Tally) -> None:
    """Move the stored counts from `before` to `after`, and forget words and values that no product carries any more."""
    for category_id, change in _changes(before.categories, after.categories).items():
        session.execute(
            update(Category)
            .where(Category.id == category_id)
            .values(product_count=Category.product_count + change)
            .execution_options(synchronize_session=False)
        )
    facets = _changes(before.facets, after.facets)
    rows = [
        {"category_id": key[0], "name": key[1], "value": key[2], "product_count": change}
        for key, change in sorted(facets.items())
    ]
    for start in range(0, len(rows), BATCH):
        _add_facets(session, rows[start : start + BATCH])
    words = sorted(_changes(before.words, after.words).items())
    for start in range(0, len(words), BATCH):
        _add_words(session, words[start : start + BATCH])
    session.execute(delete(FacetCount).where(FacetCount.product_count <= 0))
    session.execute(delete(SearchWord).where(SearchWord.frequency <= 0))


def _changes(before: Mapping[K, int], after: Mapping[K, int]) -> dict[K, int]:
    keys = before.keys() | after.keys()
    return {key: change for key in keys if (change := after.get(key, 0) - before.get(key, 0))}


def _add_facets(session: Session, rows: list[dict[str, object]]) -> None:
    statement = insert(FacetCount)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["category_id", "name", "value"],
            set_={"product_count": FacetCount.product_count + statement.excluded.product_count},
        ),
        rows,
    )


def _add_words(session: Session, words: list[tuple[str, int]]) -> None:
    statement = insert(SearchWord)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["word"],
            set_={"frequency": SearchWord.frequency + statement.excluded.frequency},
        ),
        [{"word": word, "frequency": change} for word, change in words],
    )
