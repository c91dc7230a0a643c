"""The tree of categories and its facets' tallies, remembered per process: every page needs them, they hardly ever change."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from webapp.catalog.memory import Memory
from webapp.catalog.models import Category
from webapp.catalog.words import words_for
from webapp.extensions import db
from webapp.languages import LangAttribute, Language, current_language, languages
from webapp.statements import rows

FRESH_FOR_SECONDS = 15.0


class Sign(NamedTuple):
    """What leads to a shelf."""

    slug: str
    name: str
    lang: LangAttribute


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category as pages in one language need it. `ids` are its own and all its descendants'; `product_count` counts them all."""

    id: int
    slug: str
    name: str
    description: str
    image: str
    lang: LangAttribute
    """The attribute of an element with its name or description: empty where they are in the page's language (words.py)."""
    path: tuple[Sign, ...]
    """To its ancestors, the root first."""
    children: tuple[Shelf, ...]
    """In order."""
    ids: tuple[int, ...]
    product_count: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All shelves."""

    top: tuple[Shelf, ...]
    by_slug: Mapping[str, Shelf]
    product_count: int


EMPTY = Tree((), {}, 0)
_NOTHING: Mapping[str, Tree] = {}
FacetTallies = Mapping[str, Mapping[str, int]]
"""For each facet its most frequent values and how many products carry them."""
MOST_VALUES = 60
FACETS_FRESH_FOR_SECONDS = 60.0
_FACETS = """
    SELECT name, value, hits FROM (
        SELECT name, value, hits, row_number() OVER (PARTITION BY name ORDER BY hits DESC, value) AS place FROM (
            SELECT name, value, sum(product_count)::bigint AS hits FROM facet_counts
            WHERE %(everywhere)s OR category_id = ANY(%(ids)s) GROUP BY name, value
        ) AS summed
    ) AS ranked WHERE place <= %(most)s ORDER BY name, hits DESC, value
"""


class TreeMemory:
    """The tree of one process; what was known last while the database is away. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trees = _NOTHING
        self._until = 0.0
        self._facets: Memory[str, FacetTallies] = Memory(FACETS_FRESH_FOR_SECONDS, most=500)

    def get(self) -> Tree:
        """The tree in the page's language, at most FRESH_FOR_SECONDS old."""
        trees = self._known()
        # The console speaks a language that the shop may not.
        return trees.get(current_language().code) or trees[languages().first.code]

    def _known(self) -> Mapping[str, Tree]:
        """By language. Read at once for all of them, so that no two pages differ in more than their words."""
        if time.monotonic() < self._until:
            return self._trees
        # One thread reads anew, the others go on with what is known.
        if not self._lock.acquire(blocking=self._trees is _NOTHING):
            return self._trees
        try:
            if time.monotonic() >= self._until:
                self._trees = _read()
                # An empty catalogue is looked at again at once: it is about to be filled.
                is_filled = any(known.top for known in self._trees.values())
                self._until = time.monotonic() + (FRESH_FOR_SECONDS if is_filled else 0.0)
        except SQLAlchemyError:
            db.session.rollback()
            if self._trees is _NOTHING:
                raise
        finally:
            self._lock.release()
        return self._trees

    def top(self) -> tuple[Shelf, ...]:
        """The top shelves; none while the database is away, so that an error page can be drawn."""
        try:
            return self.get().top
        except SQLAlchemyError:
            return ()

    def facets(self, shelf: Shelf | None) -> FacetTallies:
        """The tallies of a shelf, or of the whole shop for None; at most FACETS_FRESH_FOR_SECONDS old."""
        return self._facets.get(shelf.slug if shelf else "", lambda: _read_facets(shelf))


def tree() -> Tree:
    """The current application's tree."""
    return _memory().get()


def facet_tallies(shelf: Shelf | None) -> FacetTallies:
    """The current application's tallies of a shelf, or of the whole shop."""
    return _memory().facets(shelf)


def _memory() -> TreeMemory:
    memory: TreeMemory = current_app.extensions["cartwright-shelves"]
    return memory


def _read_facets(shelf: Shelf | None) -> FacetTallies:
    values = {"everywhere": shelf is None, "ids": list(shelf.ids) if shelf else [], "most": MOST_VALUES}
    tallies: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows(_FACETS, values):
        tallies[row.name][row.value] = row.hits
    return tallies


def _read() -> Mapping[str, Tree]:
    categories = db.session.scalars(select(Category).order_by(Category.position, Category.id)).all()
    offered = languages()
    return {page.code: _tree_in(page, offered.first, categories) for page in offered.offered}


def _tree_in(page: Language, first: Language, categories: Sequence[Category]) -> Tree:
    children: dict[int | None, list[Category]] = defaultdict(list)
    for row in categories:
        children[row.parent_id].append(row)
    shelves: dict[str, Shelf] = {}

    def build(row: Category, path: tuple[Sign, ...]) -> Shelf:
        words = words_for(page, first, row.name, row.description, row.words)
        below = tuple(
            build(child, (*path, Sign(row.slug, words.name, words.lang))) for child in children[row.id]
        )
        shelf = Shelf(
            id=row.id,
            slug=row.slug,
            name=words.name,
            description=words.description,
            image=row.image,
            lang=words.lang,
            path=path,
            children=below,
            ids=(row.id, *(category_id for child in below for category_id in child.ids)),
            product_count=row.product_count + sum(child.product_count for child in below),
        )
        shelves[row.slug] = shelf
        return shelf

    top = tuple(build(row, ()) for row in children[None])
    return Tree(top, shelves, sum(shelf.product_count for shelf in top))
