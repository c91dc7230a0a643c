"""What the catalogue's pages read: plain rows, by index, without counting anything on the way."""

# ruff: noqa: S608  (only constants of this module are put together)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.catalog.memory import Memory
from webapp.catalog.words import words_for
from webapp.languages import LangAttribute, current_language, languages
from webapp.statements import one, rows

CARD = (
    "p.id, p.slug, p.name, p.image, p.maker, p.min_price_minor, p.max_price_minor, p.currency, p.popularity, "
    "p.created_at"
)
"""What a product's card shows, and what the sort orders need."""

_PRODUCT = f"""
    SELECT {CARD}, p.description, p.tags, p.attributes, p.specifications, p.is_active, p.category_id, p.updated_at,
        c.slug AS category_slug, c.name AS category_name,
        (SELECT coalesce(json_agg(json_build_object(
            'sku', v.sku, 'options', v.options, 'price_minor', v.price_minor, 'currency', v.currency,
            'image', v.image, 'weight_grams', v.weight_grams, 'back_on', v.back_on) ORDER BY v.position, v.id), '[]')
         FROM variants v WHERE v.product_id = p.id AND v.is_active) AS variants
    FROM products p JOIN categories c ON c.id = p.category_id WHERE p.slug = %(slug)s
"""
_COLLECTION = "SELECT id, slug, name, description, image, words FROM collections"
_RELATED_FRESH_FOR_SECONDS = 30.0
_best_of_category: Memory[int, Sequence[Any]] = Memory(_RELATED_FRESH_FOR_SECONDS, most=2_000)


def best_cards(limit: int) -> Sequence[Any]:
    """The most loved products."""
    return rows(
        f"SELECT {CARD} FROM products p WHERE p.is_active ORDER BY p.popularity DESC, p.id DESC LIMIT %(limit)s",
        {"limit": limit},
    )


def newest_cards(limit: int) -> Sequence[Any]:
    """The latest arrivals."""
    return rows(
        f"SELECT {CARD} FROM products p WHERE p.is_active ORDER BY p.created_at DESC, p.id DESC LIMIT %(limit)s",
        {"limit": limit},
    )


def related_cards(product_id: int, category_id: int, limit: int) -> Sequence[Any]:
    """What stands beside a product on its shelf: the most loved of it, at most RELATED seconds old."""
    shelf = _best_of_category.get(category_id, lambda: _best_of(category_id, limit + 1))
    return [card for card in shelf if card.id != product_id][:limit]


def _best_of(category_id: int, limit: int) -> Sequence[Any]:
    return rows(
        f"SELECT {CARD} FROM products p WHERE p.is_active AND p.category_id = %(category)s"
        " ORDER BY p.popularity DESC, p.id DESC LIMIT %(limit)s",
        {"category": category_id, "limit": limit},
    )


@dataclass(frozen=True, slots=True)
class Picked:
    """A hand-picked shelf, in the words of the page's language (words.py)."""

    id: int
    slug: str
    image: str
    name: str
    description: str
    lang: LangAttribute


def collections() -> Sequence[Picked]:
    """The hand-picked shelves of the home page."""
    return [_picked(row) for row in rows(f"{_COLLECTION} ORDER BY position, id", {})]


def find_collection(slug: str) -> Picked | None:
    """One collection."""
    row = one(f"{_COLLECTION} WHERE slug = %(slug)s", {"slug": slug})
    return _picked(row) if row else None


def _picked(row: Any) -> Picked:
    words = words_for(current_language(), languages().first, row.name, row.description, row.words)
    return Picked(row.id, row.slug, row.image, *words)


def collection_cards(collection_id: int) -> Sequence[Any]:
    """A collection's products in the order of the hand that picked them."""
    return rows(
        f"SELECT {CARD} FROM products p JOIN collection_products m ON m.product_id = p.id"
        " WHERE p.is_active AND m.collection_id = %(collection)s ORDER BY m.position, p.id LIMIT 60",
        {"collection": collection_id},
    )


def find_product(slug: str) -> Any | None:
    """A product with its category and the variants that can be bought, also one that is not for sale any more."""
    return one(_PRODUCT, {"slug": slug})


def new_slug_of(old_slug: str) -> str | None:
    """Where a renamed product lives now."""
    found = one(
        "SELECT p.slug FROM products p JOIN slug_redirects r ON r.product_id = p.id WHERE r.slug = %(slug)s",
        {"slug": old_slug},
    )
    return found.slug if found else None
