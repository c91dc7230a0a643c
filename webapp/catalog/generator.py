"""A catalogue of up to a million made-up products, written with COPY, for looking at the shop at that size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.catalog.generated_goods import CURRENCY, SHELVES, GeneratedProduct, product
from webapp.catalog.models import Category, Variant
from webapp.catalog.tallies import Tally, apply_difference, lock_tallies, tally

MOST_PRODUCTS = 1_000_000
BATCH = 20_000
ROOT = "depot"
DESCRIPTION = "Made-up goods, to look at the shop with very many of them."

PRODUCT_COLUMNS = (
    "id", "slug", "name", "description", "category_id", "image", "maker", "tags", "attributes", "specifications",
    "min_price_minor", "max_price_minor", "currency", "is_active", "popularity", "created_at", "updated_at",
)  # fmt: skip
VARIANT_COLUMNS = (
    "product_id", "sku", "options", "price_minor", "currency", "weight_grams", "position", "image", "is_active"
)  # fmt: skip


class Progress(NamedTuple):
    """How far the generator is."""

    done: int
    wanted: int


def generate(
    session: Session,
    products: int,
    seed: int = 1,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Bring the number of made-up products to `products`; returns how many were added.

    What is there already stays, so a second run with the same number adds nothing and an interrupted run goes on.
    Each batch is committed with its tallies. Raises ValueError for a number that is not between 0 and a million.
    """
    if not 0 <= products <= MOST_PRODUCTS:
        raise ValueError(f"ask for 0 to {MOST_PRODUCTS:,} products")
    lock_tallies(session)
    shelves = _shelves(session)
    session.commit()
    start = first = _already_there(session)
    while start < products:
        lock_tallies(session)
        start = _already_there(session)  # Another run may have gone ahead while this one waited for the lock.
        batch = [product(number, seed) for number in range(start, min(start + BATCH, products))]
        if batch:
            _write(session, batch, shelves)
        session.commit()
        start += len(batch)
        on_progress(Progress(start, products))
    if start > first:
        session.execute(text("ANALYZE products, variants, search_words, facet_counts"))
        session.commit()
    return start - first


def _already_there(session: Session) -> int:
    """The number after the last made-up product's: the newest of their variants names it in its SKU."""
    last = session.scalar(
        select(Variant.sku).where(Variant.sku.startswith("GEN-")).order_by(Variant.id.desc()).limit(1)
    )
    return int(last.split("-")[1]) + 1 if last else 0


def _shelves(session: Session) -> dict[str, int]:
    """The ids of the shelves by name; they are made below one root where they are missing."""
    known = {category.slug: category for category in session.scalars(select(Category))}

    def shelf(slug: str, name: str, parent: Category | None, position: int, image: str) -> Category:
        found = known.get(slug)
        if found is None:
            known[slug] = found = Category(
                slug=slug, name=name, parent=parent, position=position, image=image, description=DESCRIPTION
            )
            session.add(found)
        return found

    root = shelf(ROOT, "Depot", None, 1_000, "catalogue/hero.svg")
    ids: dict[str, Category] = {}
    for place, (department, names) in enumerate(SHELVES.items()):
        image = f"catalogue/category-{department}.svg"
        above = shelf(f"{ROOT}-{department}", _title(department), root, place, image)
        for position, name in enumerate(names):
            ids[name] = shelf(f"{ROOT}-{department}-{name}", _title(name), above, position, image)
    session.flush()
    return {name: category.id for name, category in ids.items()}


def _title(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _write(session: Session, batch: Sequence[GeneratedProduct], shelves: dict[str, int]) -> None:
    for item in batch:
        item.category_id = shelves[item.shelf]
    cursor = session.connection().connection.cursor()
    try:
        ids = _reserve_ids(cursor, len(batch))
        _copy(cursor, "products", PRODUCT_COLUMNS, _product_rows(batch, ids))
        _copy(cursor, "variants", VARIANT_COLUMNS, _variant_rows(batch, ids))
    finally:
        cursor.close()
    apply_difference(session, Tally(), tally(batch))


def _reserve_ids(cursor: Any, count: int) -> list[int]:
    """Ids from the table's own sequence, so that products made meanwhile by others get different ones."""
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('products', 'id')) FROM generate_series(1, %s)", (count,)
    )
    return [row[0] for row in cursor.fetchall()]


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _product_rows(batch: Sequence[GeneratedProduct], ids: Sequence[int]) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC)
    for item, product_id in zip(batch, ids, strict=True):
        prices = [variant.price_minor for variant in item.variants]
        yield (
            product_id, item.slug, item.name, item.description, item.category_id, item.image, item.maker,
            json.dumps(item.tags), json.dumps(item.attributes), json.dumps(item.specifications),
            min(prices), max(prices), CURRENCY, True, item.popularity, item.created_at, now,
        )  # fmt: skip


def _variant_rows(batch: Sequence[GeneratedProduct], ids: Sequence[int]) -> Iterator[tuple[object, ...]]:
    for item, product_id in zip(batch, ids, strict=True):
        for position, variant in enumerate(item.variants):
            yield (
                product_id, variant.sku, json.dumps(variant.options), variant.price_minor, CURRENCY,
                variant.weight_grams, position, "", True,
            )  # fmt: skip
