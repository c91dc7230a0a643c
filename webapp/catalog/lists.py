"""The list pages: a shelf, everything, and what a search finds, with filters, an order and a place in the list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import current_app, get_template_attribute, render_template, request
from markupsafe import Markup

from webapp.catalog import queries
from webapp.catalog.criteria import LONGEST_QUERY, Criteria, read_criteria
from webapp.catalog.facets import facets
from webapp.catalog.finding import BEST, BEST_SORT, Found, expected_hits, find
from webapp.catalog.memory import Memory
from webapp.catalog.paging import DEFAULT_SORT, SORTS, Cursor, Page, Sort, decode_cursor
from webapp.catalog.seo import breadcrumbs
from webapp.catalog.spelling import Vocabulary, suggest_words
from webapp.catalog.tree import Shelf, facet_tallies, tree
from webapp.languages import _, current_language

FEW_FOUND = 3
"""With fewer hits than this, another spelling that finds more is offered."""


def page(description: str, *, title: str, shelf: Shelf | None) -> str:
    """The page of a shelf, or of everything."""
    criteria = read_criteria(request.args, with_text=False)
    sorts = tuple(SORTS.values())
    sort, cursor = _place(sorts, DEFAULT_SORT)
    found = _find(criteria, sort, cursor, shelf)
    return _render(
        "catalog/list.html",
        criteria,
        found,
        sort,
        sorts,
        fields=_fields(criteria, shelf),
        title=title,
        description=description,
        shelf=shelf,
        canonical=request.path,
        # Only the plain first page stands for the shelf; every combination of filters would be a page too many.
        is_unlisted=criteria.is_narrowed or cursor is not None or sort.key != DEFAULT_SORT,
        structured=[breadcrumbs(_path(shelf))],
        sharing={"type": "website", "title": title, "description": description},
    )


def _path(shelf: Shelf | None) -> list[tuple[str, str]]:
    above = [(f"/shop/{sign.slug}", sign.name) for sign in shelf.path] if shelf else []
    return [("/shop", _("Everything")), *above, *([(f"/shop/{shelf.slug}", shelf.name)] if shelf else [])]


def search_page() -> str:
    """The page of a search. Words that find nothing are respelled with the catalogue's own vocabulary, and that is said."""
    typed = read_criteria(request.args, with_text=True)
    sorts = (BEST_SORT, *SORTS.values())
    sort, cursor = _place(sorts, BEST)
    # Without a word nothing is asked for: the page then helps instead of listing the whole shop.
    found = _find(typed, sort, cursor, None) if typed.words else Found(Page((), None, None), 0)
    criteria, offered = typed, ""
    if typed.words and found.total is not None and found.total < FEW_FOUND:
        criteria, found, offered = _respell(typed, sort, cursor, found)
    is_changed = criteria.words != typed.words
    return _render(
        "catalog/search.html",
        criteria,
        found,
        sort,
        sorts,
        fields=_fields(criteria, None) if found.page.rows else "",
        respelled=" ".join(criteria.words) if is_changed else "",
        offered=offered,
        best=() if found.page.rows else queries.best_cards(4),
    )


def _respell(typed: Criteria, sort: Sort, cursor: Cursor | None, found: Found) -> tuple[Criteria, Found, str]:
    """Another spelling: shown at once when the typed one finds nothing, else only offered."""
    other = _vocabulary().respell(typed.words)
    if not other.is_changed and not other.prefixes:
        return typed, found, ""
    criteria = replace(typed, respelled=other.words, prefixes=other.prefixes)
    better = _find(criteria, sort, cursor, None)
    if len(better.page.rows) <= len(found.page.rows):
        return typed, found, ""
    if found.page.rows and other.is_changed:
        return typed, found, " ".join(other.words)
    return criteria, better, ""


def _find(criteria: Criteria, sort: Sort, cursor: Cursor | None, shelf: Shelf | None) -> Found:
    return find(criteria, sort.key, cursor, tree=tree(), shelf=shelf, vocabulary=_vocabulary())


def _vocabulary() -> Vocabulary:
    vocabulary: Vocabulary = current_app.extensions["cartwright-vocabulary"]
    return vocabulary


def suggestions(typed: str) -> dict[str, Any]:
    """What the last word may become, with the words before it, and whole searches for the most frequent ones."""
    text = " ".join(typed[:LONGEST_QUERY].replace("\x00", "").lower().split())
    before, _, beginning = text.rpartition(" ")
    if len(beginning) < 2 or not beginning.isalnum():
        return {"words": []}
    return {"words": [f"{before} {word}".strip() for word in suggest_words(beginning)]}


def _fields(criteria: Criteria, shelf: Shelf | None) -> Markup:
    """The filters' fields with their counts, drawn at most every half minute for the same criteria and language."""
    drawn: Memory[tuple[str, str, Criteria], Markup] = current_app.extensions["cartwright-fields"]
    key = (current_language().code, shelf.slug if shelf else "", criteria)
    return drawn.get(key, lambda: _draw_fields(criteria, shelf))


def _draw_fields(criteria: Criteria, shelf: Shelf | None) -> Markup:
    def expected(others: Criteria) -> float:
        return expected_hits(others, tree=tree(), shelf=shelf, vocabulary=_vocabulary())

    draw = get_template_attribute("components/filters.html", "choices")
    found = facets(criteria, shelf, facet_tallies(shelf), expected)
    return Markup(draw(found))  # noqa: S704  (the template escapes)


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
