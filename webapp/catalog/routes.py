"""The catalogue's pages: home, shelves, collections and products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from flask import Blueprint, Flask, abort, jsonify, redirect, render_template, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from webapp.assets import asset
from webapp.catalog import lists, queries, seo
from webapp.catalog.cards import grid
from webapp.catalog.facets import facet_lang, facet_title, typed_price
from webapp.catalog.offers import coming_back, stock_note
from webapp.catalog.tree import Sign, tree
from webapp.languages import _, content_lang
from webapp.page_cache import SharedPages, cached_page
from webapp.wiring import wiring

bp = Blueprint("catalog", __name__)
bp.add_app_template_global(grid, "grid")
bp.add_app_template_filter(facet_title)
bp.add_app_template_filter(facet_lang)
bp.add_app_template_filter(typed_price)


@bp.record_once
def _answer_from_memory(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    app.wsgi_app = SharedPages(app)  # type: ignore[method-assign]


LIST_FRESH_FOR_SECONDS = 10.0
PRODUCT_FRESH_FOR_SECONDS = 2.0
"""Short, because a product's page says how many are left."""


@bp.get("/")
@cached_page(LIST_FRESH_FOR_SECONDS)
def home() -> str:
    """The shop's front."""
    best = queries.best_cards(12)
    return render_template(
        "catalog/home.html",
        categories=tree().top,
        collections=queries.collections(),
        best=best[:8],
        hero=best[8:] or best[:4],
        canonical="/",
        structured=[seo.organisation()],
        sharing={
            "type": "website",
            "title": wiring().settings.shop_name,
            "description": _("Well-made everyday goods for kitchen, table, desk, workshop and garden."),
        },
        newest=queries.newest_cards(4),
    )


@bp.get("/shop")
@cached_page(LIST_FRESH_FOR_SECONDS)
def everything() -> str:
    """All products."""
    return lists.page(
        _("All that we make and pick, from the workshop to the windowsill."),
        title=_("Everything"),
        shelf=None,
    )


@bp.get("/shop/<slug>")
@cached_page(LIST_FRESH_FOR_SECONDS)
def category(slug: str) -> str:
    """One shelf, with those below it."""
    shelf = tree().by_slug.get(slug)
    if shelf is None:
        abort(404, _("There is no such shelf. It may have been renamed."))
    return lists.page(shelf.description, title=shelf.name, shelf=shelf)


@bp.get("/search")
@cached_page(LIST_FRESH_FOR_SECONDS)
def search() -> str:
    """What the words find; typing errors are forgiven, and said."""
    return lists.search_page()


@bp.get("/search/suggest")
def suggest() -> Response:
    """Words and products for the beginning of a word, as JSON, while somebody types."""
    response = jsonify(lists.suggestions(request.args.get("q", "")))
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@bp.get("/collections/<slug>")
@cached_page(LIST_FRESH_FOR_SECONDS)
def collection(slug: str) -> str:
    """A hand-picked shelf."""
    found = queries.find_collection(slug)
    if found is None:
        abort(404, _("This collection is not on show any more."))
    return render_template(
        "catalog/collection.html",
        collection=found,
        cards=queries.collection_cards(found.id),
        canonical=f"/collections/{found.slug}",
        sharing={
            "type": "website",
            "title": found.name,
            "description": found.description,
            "image": found.image,
        },
    )


@bp.get("/products/<slug>")
@cached_page(PRODUCT_FRESH_FOR_SECONDS)
def product(slug: str) -> str | Response:
    """One product; `?sku=` chooses the variant, so that every variant has an address."""
    found = queries.find_product(slug)
    if found is None:
        moved = queries.new_slug_of(slug)
        if moved is None:
            abort(404, _("There is no such product. It may have been renamed."))
        return redirect(url_for("catalog.product", slug=moved), 301)
    variants = [SimpleNamespace(**variant) for variant in found.variants] if found.is_active else []
    if not variants:
        abort(410, _("“%(name)s” is not offered any more.", name=found.name))
    skus = [variant.sku for variant in variants]
    levels = wiring().availability.levels(skus, is_glance=True)
    chosen = next((v for v in variants if v.sku == request.args.get("sku")), None) or _first_choice(
        variants, levels
    )
    level = levels.get(chosen.sku) if levels is not None else None
    available = level.available if level else (None if levels is None else 0)
    shelf = _shelf_of(found)
    return render_template(
        "catalog/product.html",
        product=found,
        shelf=shelf,
        chosen=chosen,
        price_minor=level.price_minor if level else chosen.price_minor,
        available=available,
        stock_note=stock_note(available),
        back_on=coming_back(chosen.back_on, wiring().clock.now().date()) if available == 0 else None,
        pickers=pickers(variants, chosen, levels),
        related=queries.related_cards(found.id, found.category_id, 4),
        canonical=f"/products/{found.slug}",
        structured=[
            seo.product_data(found, variants, levels, asset(found.image) if found.image else ""),
            seo.breadcrumbs(
                [
                    ("/shop", _("Everything")),
                    (f"/shop/{shelf.slug}", shelf.name),
                    (f"/products/{found.slug}", found.name),
                ]
            ),
        ],
        sharing={
            "type": "product",
            "title": found.name,
            "description": found.description,
            "image": found.image,
        },
    )


def _shelf_of(found: Any) -> Sign:
    """Where a product stands: as the tree calls it, or as its own row does where the tree is older than the shelf."""
    known = tree().by_slug.get(found.category_slug)
    if known is None:
        return Sign(found.category_slug, found.category_name, content_lang())
    return Sign(known.slug, known.name, known.lang)


def _first_choice(variants: Sequence[Any], levels: Mapping[str, Any] | None) -> Any:
    """The first variant that can be bought, else the first."""
    if levels is None:
        return variants[0]
    return next((v for v in variants if v.sku in levels and levels[v.sku].available > 0), variants[0])


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of one option: where its link leads, and whether it is chosen or sold out in this combination."""

    value: str
    sku: str
    is_chosen: bool
    is_sold_out: bool


def pickers(
    variants: Sequence[Any], chosen: Any, levels: Mapping[str, Any] | None
) -> list[tuple[str, list[Choice]]]:
    """The option pickers: for every option its values, each leading to the variant that differs least from the chosen one."""
    names = list(dict.fromkeys(name for variant in variants for name in variant.options))
    result = []
    for name in names:
        values = list(dict.fromkeys(v.options[name] for v in variants if name in v.options))
        choices = []
        for value in values:
            target = max(
                (v for v in variants if v.options.get(name) == value),
                key=lambda v: sum(chosen.options.get(n) == v.options.get(n) for n in names),
            )
            level = levels.get(target.sku) if levels is not None else None
            is_sold_out = levels is not None and (level is None or level.available == 0)
            choices.append(Choice(value, target.sku, chosen.options.get(name) == value, is_sold_out))
        result.append((name, choices))
    return result
