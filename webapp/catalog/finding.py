"""Finding products by words, facets and price, equally fast among a thousand and a million.

Two ways lead to a page, and the tallies tell beforehand which one is short:
- a walk goes along the index of the wanted order and keeps what fits: short when many fit, for the page is soon full;
- a pick takes what fits from the indexes of words and facets, at most PICK_LIMIT rows, and sorts them: short when few fit,
  or few of the popular ones where only the best are asked for (webapp/catalog/tiers.py).
The statements are put together from the constants below; everything that a visitor sends is a bound value.
"""

# ruff: noqa: S608  (only constants of this module are put together; see above)

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.catalog.criteria import Criteria
from webapp.catalog.models import SEARCH_LANGUAGE, WORDS_AND_TIERS, Product
from webapp.catalog.paging import PAGE_SIZE, SORTS, Cursor, Page, Sort, cut
from webapp.catalog.spelling import Vocabulary
from webapp.catalog.tiers import CANDIDATES, tier_for
from webapp.catalog.tree import Shelf, Tree, facet_tallies
from webapp.languages import _l
from webapp.statements import rows

COMMON_HITS = 4_000
"""From so many expected hits on, walking is shorter than picking all of them (measured at a million products)."""
EVERYWHERE_HITS = 60_000
"""From so many expected hits on, walking is shorter than picking even the popular ones: every tenth product fits."""
WALK_LIMIT = 20_000
"""Rows that a walk looks at before it gives up and picks."""
PICK_LIMIT = 5_000
"""Rows that are sorted at most: more than anybody pages through."""
COUNT_LIMIT = 1_000
"""Rows that facets are counted over at most; above it a page shows values without numbers, never wrong numbers."""

BEST = "best"
"""The order of a search unless another is asked for: by relevance among the picked, by popularity on a walk."""

_CARD = (
    "p.id, p.slug, p.name, p.image, p.maker, p.min_price_minor, p.max_price_minor, p.currency, p.popularity, "
    "p.created_at"
)
_WORDS = WORDS_AND_TIERS.format(p="p.")
_RELEVANCE = (
    "round(1000000 * ts_rank('{{0.05, 0.2, 0.4, 1.0}}', p.search, {query}) * ln(p.popularity + 20))::bigint"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of products, and how many there are in all (None: very many, nobody counts them)."""

    page: Page
    total: int | None


def find(
    criteria: Criteria,
    sort_key: str,
    cursor: Cursor | None,
    *,
    tree: Tree,
    shelf: Shelf | None,
    vocabulary: Vocabulary,
) -> Found:
    """One page of what fits the criteria, on a shelf or (None) anywhere."""
    sort = SORTS.get(sort_key, SORTS["popular"])
    everything = shelf.product_count if shelf else tree.product_count
    if not criteria.is_narrowed:
        return Found(_walked(criteria, sort, cursor, shelf), everything)
    expected = expected_hits(criteria, tree=tree, shelf=shelf, vocabulary=vocabulary)
    is_best = sort_key == BEST and bool(criteria.words)
    tiers = _tiers(expected) if is_best else []
    for tier in tiers:
        page = _picked(criteria, BEST_SORT, cursor, shelf, tier).page
        if len(page.rows) == PAGE_SIZE and page.following:
            return Found(page, None)
    # A list that began by relevance goes on by it: its cursor is a rank, which a walk does not know.
    if expected >= COMMON_HITS and not tiers:
        page = _walked(criteria, sort, cursor, shelf)
        if len(page.rows) == PAGE_SIZE:
            return Found(page, None)
    return _picked(criteria, BEST_SORT if is_best else sort, cursor, shelf)


def _tiers(expected: float) -> list[str]:
    """In which parts of so many hits the best are looked for, the smallest first; none where another way is shorter."""
    if not COUNT_LIMIT < expected < EVERYWHERE_HITS:
        return []
    chosen = (tier_for(expected, least) for least in CANDIDATES)
    return list(dict.fromkeys(tier for tier in chosen if tier))


def _walked(criteria: Criteria, sort: Sort, cursor: Cursor | None, shelf: Shelf | None) -> Page:
    """Along the order's index, shelf by shelf where there are several, and of each only as far as the page needs."""
    values: dict[str, Any] = {"size": PAGE_SIZE + 1, "reach": WALK_LIMIT}
    conditions = _conditions(criteria, values)
    order, place = _order(sort, cursor), _place(sort, cursor, values)
    several = shelf is not None and len(shelf.ids) > 1
    on_shelf = "AND p.category_id = shelf.id" if several else "AND p.category_id = %(shelf)s" if shelf else ""
    # The inner LIMIT keeps the conditions out of the choice of index: rows come in order, and are dropped on the way.
    leg = (
        f"SELECT * FROM (SELECT * FROM products p WHERE p.is_active {on_shelf} {place} ORDER BY {order} LIMIT %(reach)s) p"
        f" WHERE {conditions} ORDER BY {order} LIMIT %(size)s"
    )
    if several and shelf is not None:
        values |= {"shelves": list(shelf.ids), "reach": max(WALK_LIMIT // len(shelf.ids), 1_000)}
        source = f"unnest(CAST(%(shelves)s AS bigint[])) AS shelf(id) CROSS JOIN LATERAL ({leg}) p"
    else:
        values |= {"shelf": shelf.id} if shelf else {}
        source = f"({leg}) p"
    found = rows(f"SELECT {_CARD} FROM {source} ORDER BY {order} LIMIT %(size)s", values)
    return cut(found, sort.column.key, cursor)


def _picked(
    criteria: Criteria, sort: Sort, cursor: Cursor | None, shelf: Shelf | None, tier: str = ""
) -> Found:
    """From the indexes of words and facets, of a popularity tier where one is named; then ranked and put in order."""
    values: dict[str, Any] = {"size": PAGE_SIZE + 1, "most": PICK_LIMIT}
    hits = _hits(criteria, shelf, values, tier)
    rank = _RELEVANCE.format(query=_query(criteria, values)) if sort is BEST_SORT else f"p.{sort.column.key}"
    order, place = _order(sort, cursor, "p.rank"), _place(sort, cursor, values, "p.rank")
    found = rows(
        f"WITH hits AS MATERIALIZED (SELECT {_CARD}, {rank} AS rank FROM products p WHERE {hits} LIMIT %(most)s)"
        f" SELECT {_CARD}, p.rank, (SELECT count(*) FROM hits) AS total FROM hits p"
        f" WHERE true {place} ORDER BY {order} LIMIT %(size)s",
        values,
    )
    total = found[0].total if found else 0
    return Found(cut(found, "rank", cursor), total if total < PICK_LIMIT else None)


def count_facets(
    criteria: Criteria, names: Sequence[str], shelf: Shelf | None
) -> Mapping[str, Mapping[str, int]] | None:
    """For each of these facets how many hits carry each value; None when there are too many hits to count."""
    values: dict[str, Any] = {"most": COUNT_LIMIT + 1, "names": list(names)}
    hits = _hits(criteria, shelf, values)
    found = rows(
        f"WITH hits AS MATERIALIZED (SELECT p.attributes FROM products p WHERE {hits} LIMIT %(most)s)"
        " SELECT facet.name, item.value, count(*) AS hits, (SELECT count(*) FROM hits) AS total"
        " FROM hits, unnest(CAST(%(names)s AS text[])) AS facet(name),"
        " jsonb_array_elements_text(hits.attributes -> facet.name) AS item(value) GROUP BY 1, 2",
        values,
    )
    if found and found[0].total > COUNT_LIMIT:
        return None
    counts: dict[str, dict[str, int]] = {name: {} for name in names}
    for row in found:
        counts[row.name][row.value] = row.hits
    return counts


def expected_hits(criteria: Criteria, *, tree: Tree, shelf: Shelf | None, vocabulary: Vocabulary) -> float:
    """How many products probably fit, if words and facets had nothing to do with each other."""
    on_shelf = shelf.product_count if shelf else tree.product_count
    expected = float(on_shelf)
    for word in criteria.words:
        expected *= vocabulary.frequency(word, is_prefix=word in criteria.prefixes) / max(
            tree.product_count, 1
        )
    tallies = facet_tallies(shelf) if criteria.filters else {}
    for name, chosen in criteria.filters:
        known = tallies.get(name, {})
        expected *= min(1.0, sum(known.get(value, 0) for value in chosen) / max(on_shelf, 1))
    return expected * (0.25 if criteria.has_price else 1.0)


def _hits(criteria: Criteria, shelf: Shelf | None, values: dict[str, Any], tier: str = "") -> str:
    conditions = _conditions(criteria, values, _WORDS, f" && '{tier}'::tsquery" if tier else "")
    if shelf is None:
        return f"p.is_active AND {conditions}"
    values["shelves"] = list(shelf.ids)
    return f"p.is_active AND p.category_id = ANY(CAST(%(shelves)s AS bigint[])) AND {conditions}"


def _conditions(
    criteria: Criteria, values: dict[str, Any], words: str = "p.search", besides: str = ""
) -> str:
    """What a row `p` must fulfil, adding the values to be bound. `words` is where words are looked for."""
    parts = []
    if criteria.words:
        query = _query(criteria, values)
        # Words that the language leaves out are an empty query; no row need be looked at, and no tier stands for it.
        parts.append(f"numnode({query}) > 0 AND {words} @@ ({query}{besides})")
    for n, (name, chosen) in enumerate(criteria.filters):
        either = []
        for m, value in enumerate(chosen):
            values[f"facet{n}x{m}"] = json.dumps({name: [value]})
            either.append(f"p.attributes @> CAST(%(facet{n}x{m})s AS jsonb)")
        parts.append(f"({' OR '.join(either)})")
    for key, bound, sign in (("low", criteria.price_from, ">="), ("high", criteria.price_to, "<=")):
        if bound is not None:
            parts.append(f"p.min_price_minor {sign} %({key})s")
            values[key] = bound
    return " AND ".join(parts) or "true"


def _query(criteria: Criteria, values: dict[str, Any]) -> str:
    """The text search query: all words are wanted. Words that the language leaves out ("the") find nothing by themselves."""
    parts = []
    for n, word in enumerate(criteria.words):
        parts.append(f"to_tsquery('{SEARCH_LANGUAGE}', %(w{n})s)")
        values[f"w{n}"] = f"{word}:*" if word in criteria.prefixes else word
    return f"({' && '.join(parts)})"


def _order(sort: Sort, cursor: Cursor | None, column: str = "") -> str:
    is_descending = sort.is_descending != (cursor is not None and cursor.is_backwards)
    direction = "DESC" if is_descending else "ASC"
    return f"{column or f'p.{sort.column.key}'} {direction}, p.id {direction}"


def _place(sort: Sort, cursor: Cursor | None, values: dict[str, Any], column: str = "") -> str:
    if cursor is None:
        return ""
    values |= {"after": cursor.value, "after_id": cursor.id}
    sign = "<" if sort.is_descending != cursor.is_backwards else ">"
    return f"AND ({column or f'p.{sort.column.key}'}, p.id) {sign} (%(after)s, %(after_id)s)"


BEST_SORT = Sort(BEST, _l("Best match"), Product.popularity, True)
