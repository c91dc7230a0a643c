"""What the catalogue's pages read: plain rows, by index, without counting anything on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from webapp.catalog.models import Category, Collection, CollectionProduct, Product, SlugRedirect, Variant
from webapp.extensions import db

_CARD = (
    Product.id,
    Product.slug,
    Product.name,
    Product.image,
    Product.maker,
    Product.min_price_minor,
    Product.max_price_minor,
    Product.currency,
    Product.popularity,
    Product.created_at,
)
"""What a product's card shows, and what the sort orders need."""


def cards() -> Any:
    """The query of product cards, to be narrowed and placed."""
    return select(*_CARD).where(Product.is_active)


def best_cards(limit: int) -> Sequence[Any]:
    """The most loved products."""
    return db.session.execute(
        cards().order_by(Product.popularity.desc(), Product.id.desc()).limit(limit)
    ).all()


def newest_cards(limit: int) -> Sequence[Any]:
    """The latest arrivals."""
    return db.session.execute(
        cards().order_by(Product.created_at.desc(), Product.id.desc()).limit(limit)
    ).all()


def related_cards(product_id: int, category_id: int, limit: int) -> Sequence[Any]:
    """What stands beside a product on its shelf."""
    return db.session.execute(
        cards()
        .where(Product.category_id == category_id, Product.id != product_id)
        .order_by(Product.popularity.desc(), Product.id.desc())
        .limit(limit)
    ).all()


def collections() -> Sequence[Any]:
    """The hand-picked shelves of the home page."""
    return db.session.execute(
        select(Collection.slug, Collection.name, Collection.description, Collection.image).order_by(
            Collection.position, Collection.id
        )
    ).all()


def find_collection(slug: str) -> Any | None:
    """One collection."""
    return db.session.execute(
        select(
            Collection.id, Collection.slug, Collection.name, Collection.description, Collection.image
        ).where(Collection.slug == slug)
    ).one_or_none()


def collection_cards(collection_id: int) -> Sequence[Any]:
    """A collection's products in the order of the hand that picked them."""
    return db.session.execute(
        cards()
        .join(CollectionProduct, CollectionProduct.product_id == Product.id)
        .where(CollectionProduct.collection_id == collection_id)
        .order_by(CollectionProduct.position, Product.id)
        .limit(60)
    ).all()


def find_product(slug: str) -> Any | None:
    """A product with its category, also one that is not for sale any more."""
    return db.session.execute(
        select(
            *_CARD,
            Product.description,
            Product.tags,
            Product.attributes,
            Product.specifications,
            Product.is_active,
            Product.category_id,
            Product.updated_at,
            Category.slug.label("category_slug"),
            Category.name.label("category_name"),
        )
        .join(Category, Product.category_id == Category.id)
        .where(Product.slug == slug)
    ).one_or_none()


def variants_of(product_id: int) -> Sequence[Any]:
    """The variants that can be bought, in order."""
    return db.session.execute(
        select(
            Variant.sku,
            Variant.options,
            Variant.price_minor,
            Variant.currency,
            Variant.image,
            Variant.weight_grams,
        )
        .where(Variant.product_id == product_id, Variant.is_active)
        .order_by(Variant.position, Variant.id)
    ).all()


def new_slug_of(old_slug: str) -> str | None:
    """Where a renamed product lives now."""
    return db.session.scalar(
        select(Product.slug)
        .join(SlugRedirect, SlugRedirect.product_id == Product.id)
        .where(SlugRedirect.slug == old_slug)
    )
