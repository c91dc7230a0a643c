"""Stock and prices into the inventory: each SKU once set up, its first pieces once received, its price kept current."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.domain.ids import Sku
from orders.ports import InventoryStore
from webapp.catalog.models import Product, Variant
from webapp.catalog.records import Sheets

PARALLEL = 8
"""Requests to the inventory at a time: what the adapter's connection pool bears without queueing."""

CHUNK = 400


@dataclass(frozen=True, slots=True)
class StockEntry:
    """A SKU's price and the pieces with which it starts."""

    sku: str
    price_minor: int
    currency: str
    quantity: int


def entries_of(sheets: Sheets) -> list[StockEntry]:
    """What product sheets say about stock and price."""
    return [
        StockEntry(variant.sku, variant.price_minor, variant.currency, variant.stock)
        for product in sheets.products
        for variant in product.variants
    ]


def entries_from_catalogue(session: Session, quantity: int, limit: int | None) -> Iterator[StockEntry]:
    """The variants on sale, those of popular products first, each with the same quantity."""
    query = (
        select(Variant.sku, Variant.price_minor, Variant.currency)
        .join(Product, Variant.product_id == Product.id)
        .where(Product.is_active, Variant.is_active)
        .order_by(Product.popularity.desc(), Product.id.desc(), Variant.position)
        .limit(limit)
        .execution_options(yield_per=CHUNK)
    )
    with session.execute(query) as rows:
        for sku, price_minor, currency in rows:
            yield StockEntry(sku, price_minor, currency, quantity)


def initial_movement(sku: str) -> str:
    """The movement id of a SKU's first pieces; whoever brings them uses it, so that they come once."""
    return f"import:{sku}:initial"


def set_up_stock(
    inventory: InventoryStore,
    entries: Iterable[StockEntry],
    on_progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Make each SKU known at its price and receive its first pieces; returns how many SKUs there were.

    The receipt's movement id is `import:<sku>:initial`, so a repeat adds nothing, whatever quantity it names: later
    corrections are movements of their own. `on_progress` hears how many are done. Raises the inventory's errors.
    """
    done, remaining = 0, iter(entries)
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="stock") as pool:
        # In chunks, so that a million entries are not a million waiting futures.
        while chunk := list(islice(remaining, CHUNK)):
            for _ in pool.map(lambda entry: _set_up(inventory, entry), chunk):
                done += 1
            on_progress(done)
    return done


def _set_up(inventory: InventoryStore, entry: StockEntry) -> None:
    sku = Sku(entry.sku)
    inventory.set_up_sku(sku, entry.price_minor, entry.currency)
    if entry.quantity:
        inventory.restock(sku, entry.quantity, initial_movement(entry.sku))
