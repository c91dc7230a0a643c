"""A shop worth looking at: schema, demo catalogue, stock and staff. Run again, it changes nothing.

python -m local.seed database    needs PostgreSQL: migrates, imports the catalogue where there is none, makes the staff
python -m local.seed stock       needs the deployed tables too: makes the SKUs known and fills the shelves once

The last line that each prints is for the person who waits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from local.aws import REPOSITORY
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.adapters.rds.coupon_models import CouponRow
from orders.domain.coupon import CouponKind
from orders.domain.ids import Sku
from orders.domain.warehouses import ONLY_MAIN, Warehouse
from orders.ports import InventoryStore
from orders.settings import Settings
from webapp.catalog.importer import import_sheets
from webapp.catalog.models import Product, Variant
from webapp.catalog.records import Sheets
from webapp.catalog.sheet import read_sheets
from webapp.catalog.stock import PARALLEL, StockEntry, entries_of, initial_movement, set_up_stock
from webapp.console.people.cli import ensure_demo_staff

CATALOGUE = Path(__file__).parent / "catalogue"
BACK_IN_DAYS = 16
DEMO_COUPON: Mapping[str, Any] = {
    "code": "WELCOME10",
    "kind": CouponKind.PERCENT,
    "currency": "EUR",
    "rate_ppm": 100_000,
    "max_uses_per_customer": 1,
    "note": "Demo: a tenth off the first order",
}
"""What README.md and the welcome lines tell; made once, with the catalogue."""
NORTH = Warehouse("north", "Hamburg", ("DK", "FI", "NO", "SE"))
IN_THE_NORTH: Mapping[Sku, int] = {
    Sku("CW-BLK-OAT"): 8,
    Sku("CW-BLK-SLA"): 6,
    Sku("CW-DUV-WHI-DOU"): 6,
    Sku("CW-FLK-FOR-05L"): 20,
    Sku("CW-KET-FOR"): 10,
    Sku("CW-PLT-OAT"): 30,
    Sku("CW-RCK-MUS"): 6,
    Sku("CW-RCK-SLA"): 8,
    Sku("CW-RUG-140"): 5,
    Sku("CW-TSK-FOR"): 5,
    Sku("CW-WKD-OLI"): 6,
    Sku("CW-WSH-INK"): 12,
    Sku("CW-WSH-OLI"): 15,
}
"""How many of the sheet's pieces lie in the demo shop's second warehouse; of the large rug all of them."""
SHEETS = ("categories.csv", "products.csv", "collections.csv")


def migrate(database_url: str) -> None:
    """Bring the schema to the newest revision."""
    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["database_url"] = database_url
    command.upgrade(config, "head")


def import_catalogue(session: Session) -> int:
    """Import the demo catalogue into a shop without products. Returns how many products the shop has."""
    if not session.scalar(select(func.count()).select_from(select(Product.id).limit(1).subquery())):
        import_sheets(session, expecting_a_delivery(demo_sheets(), datetime.now(UTC).date()))
        session.add(CouponRow(**DEMO_COUPON, created_at=datetime.now(UTC)))
        session.commit()
    return session.scalar(select(func.count(Product.id))) or 0


def fill_shelves(session: Session, inventory: InventoryStore) -> int:
    """Make every SKU of the demo catalogue known at the shop's price, and bring its first pieces, once.

    Returns how many SKUs that were. Stock that was sold, counted or brought since stays as it is.
    """
    pieces = {entry.sku: entry.quantity for entry in entries_of(demo_sheets())}
    variants = session.scalars(select(Variant).where(Variant.sku.in_(pieces))).all()
    # The price is the shop's, not the sheet's: the staff may have changed it since.
    entries = [StockEntry(each.sku, each.price_minor, each.currency, pieces[each.sku]) for each in variants]
    in_main = entries
    if _has_the_north(inventory):
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="north") as pool:
            rest = pool.map(lambda entry: _without_the_north(inventory, entry), entries)
            in_main = [entry for entry in rest if entry]
    set_up_stock(inventory, in_main)
    return len(entries)


def _has_the_north(inventory: InventoryStore) -> bool:
    """Open the second warehouse in a shop that has no stock yet; a shop that has some keeps the warehouses it has."""
    known = inventory.warehouses()
    if tuple(known) == ONLY_MAIN and not inventory.levels(IN_THE_NORTH):
        inventory.set_warehouses([*known, NORTH])
        return True
    return any(each.code == NORTH.code for each in known)


def _without_the_north(inventory: InventoryStore, entry: StockEntry) -> StockEntry | None:
    """Bring what lies in the north, once; what is left of the entry for the main warehouse, None for nothing."""
    sku = Sku(entry.sku)
    there = min(IN_THE_NORTH.get(sku, 0), entry.quantity)
    if not there:
        return entry
    inventory.set_up_sku(sku, entry.price_minor, entry.currency, warehouse=NORTH.code)
    whole = there == entry.quantity
    # All of its pieces: then they are its first ones, and nobody brings those again.
    movement = initial_movement(sku) if whole else f"import:{sku}:{NORTH.code}"
    inventory.restock(sku, there, movement, NORTH.code)
    return None if whole else replace(entry, quantity=entry.quantity - there)


def expecting_a_delivery(sheets: Sheets, today: date) -> Sheets:
    """The sheets with a day, counted from today, on which what is sold out comes back: a fixed one would soon be past."""
    back_on = today + timedelta(days=BACK_IN_DAYS)
    return replace(
        sheets,
        products=[
            replace(
                product,
                variants=tuple(
                    variant if variant.stock else replace(variant, back_on=variant.back_on or back_on)
                    for variant in product.variants
                ),
            )
            for product in sheets.products
        ],
    )


def demo_sheets() -> Sheets:
    """The demo catalogue."""
    return read_sheets(CATALOGUE / name for name in SHEETS)


def main(what: str) -> str:
    """Do one of the two; returns the line for the person."""
    settings = Settings.from_environment(os.environ)
    engine = create_engine(settings.database_url)
    if what == "database":
        migrate(settings.database_url)
        ensure_demo_staff(engine)
    with Session(engine) as session:
        if what == "database":
            return f"{import_catalogue(session):,} products"
        inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
        return f"stock of {fill_shelves(session, inventory)} SKUs"


if __name__ == "__main__":
    if sys.argv[1:] not in (["database"], ["stock"]):
        raise SystemExit(__doc__)
    print(main(sys.argv[1]))
