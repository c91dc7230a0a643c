"""The list pages: a shelf, everything, and what a search finds, with filters, an order and a place in the list."""

from __future__ import annotations

from typing import Any

from flask import current_app, get_template_attribute, render_template, request
from markupsafe import Markup

from webapp.catalog import queries
from webapp.catalog.criteria import LONGEST_QUERY, Criteria, read_criteria
from webapp.catalog.facets import facets
from webapp.catalog.finding import BEST, BEST_SORT, Found, find, text_query
from webapp.catalog.memory import Memory
from webapp.catalog.paging import DEFAULT_SORT, SORTS, Cursor, Page, Sort, decode_cursor
from webapp.catalog.spelling import Respelled, Vocabulary, suggest_words
from webapp.catalog.tree import Shelf, facet_tallies, tree

FEW_FOUND = 3
"""With fewer hits than this, another spelling that finds more is offered."""


def page(description: str, *, title: str, shelf: Shelf | None) -> str:
    """The page of a shelf, or of everything."""
    criteria = read_criteria(request.args, with_text=False)
    sorts = tuple(SORTS.values())
    sort, cursor = _place(sorts, DEFAULT_SORT)
    found = find(criteria, "", sort.key, cursor, tree=tree(), shelf=shelf)
    return _render(
        "catalog/list.html",
        criteria,
        found,
        sort,
        sorts,
        fields=_fields(criteria, "", shelf),
        title=title,
        description=description,
        shelf=shelf,
    )


def search_page() -> str:
    """The page of a search. Words that find nothing are respelled with the catalogue's own vocabulary, and that is said."""
    criteria = read_criteria(request.args, with_text=True)
    sorts = (BEST_SORT, *SORTS.values())
    sort, cursor = _place(sorts, BEST)
    words = text_query(criteria.words)
    # Without a word nothing is asked for: the page then helps instead of listing the whole shop.
    nothing = Found(Page((), None, None), 0)
    found = find(criteria, words, sort.key, cursor, tree=tree(), shelf=None) if criteria.words else nothing
    respelled: Respelled | None = None
    offered = ""
    if criteria.words and cursor is None and (found.total or 0) < FEW_FOUND and found.total is not None:
        respelled, words, found, offered = _respell(criteria, words, sort, found)
    return _render(
        "catalog/search.html",
        criteria,
        found,
        sort,
        sorts,
        fields=_fields(criteria, words, None) if found.page.rows else "",
        respelled=" ".join(respelled.words) if respelled else "",
        offered=offered,
        best=() if found.page.rows else queries.best_cards(4),
    )


def _respell(
    criteria: Criteria, words: str, sort: Sort, found: Found
) -> tuple[Respelled | None, str, Found, str]:
    """Another spelling: shown at once when the typed one finds nothing, else only offered."""
    vocabulary: Vocabulary = current_app.extensions["cartwright-vocabulary"]
    other = vocabulary.respell(criteria.words)
    if not other.is_changed and not other.prefixes:
        return None, words, found, ""
    other_words = text_query(other.words, other.prefixes)
    other_found = find(criteria, other_words, sort.key, None, tree=tree(), shelf=None)
    if not other_found.page.rows or len(other_found.page.rows) <= len(found.page.rows):
        return None, words, found, ""
    if found.page.rows and other.is_changed:
        return None, words, found, " ".join(other.words)
    return (other if other.is_changed else None), other_words, other_found, ""


def suggestions(typed: str) -> dict[str, Any]:
    """What the last word may become, with the words before it, and whole searches for the most frequent ones."""
    text = " ".join(typed[:LONGEST_QUERY].replace("\x00", "").lower().split())
    before, _, beginning = text.rpartition(" ")
    if len(beginning) < 2 or not beginning.isalnum():
        return {"words": []}
    return {"words": [f"{before} {word}".strip() for word in suggest_words(beginning)]}


def _fields(criteria: Criteria, words: str, shelf: Shelf | None) -> Markup:
    """The filters' fields. Those of a list that is not narrowed are everybody's, and drawn once a minute."""
    if criteria.is_narrowed:
        return _draw_fields(criteria, words, shelf)
    drawn: Memory[str, Markup] = current_app.extensions["cartwright-fields"]
    return drawn.get(shelf.slug if shelf else "", lambda: _draw_fields(criteria, words, shelf))


def _draw_fields(criteria: Criteria, words: str, shelf: Shelf | None) -> Markup:
    draw = get_template_attribute("components/filters.html", "choices")
    return Markup(draw(facets(criteria, words, shelf, facet_tallies(shelf))))  # noqa: S704  (the template escapes)


def _place(sorts: tuple[Sort, ...], usual: str) -> tuple[Sort, Cursor | None]:
    """The order and the place in the list that the address asks for; nonsense means the beginning."""
    known = {sort.key: sort for sort in sorts}
    sort = known.get(request.args.get("sort", usual), known[usual])
    if after := request.args.get("after"):
        return sort, decode_cursor(after[:200], sort, is_backwards=False)
    if before := request.args.get("before"):
        return sort, decode_cursor(before[:200], sort, is_backwards=True)
    return sort, None


def _render(
    template: str, criteria: Criteria, found: Found, sort: Sort, sorts: tuple[Sort, ...], **more: Any
) -> str:
    order = "" if sort is sorts[0] else sort.key
    neighbours = {
        "following": criteria.address(sort=order, after=found.page.following or ""),
        "preceding": criteria.address(sort=order, before=found.page.preceding or ""),
    }
    return render_template(
        template,
        criteria=criteria,
        rows=found.page.rows,
        following=neighbours["following"] if found.page.following else "",
        preceding=neighbours["preceding"] if found.page.preceding else "",
        total=found.total,
        sort=sort,
        sorts=sorts,
        canonical_query=criteria.address(sort=order),
        **more,
    )
