"""A shop worth looking at: schema, demo catalogue, stock and staff. Run again, it changes nothing.

python -m local.seed database    needs PostgreSQL: migrates, imports the catalogue where there is none, makes the staff
python -m local.seed stock       needs the deployed tables too: makes the SKUs known and fills the shelves once

The last line that each prints is for the person who waits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
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
from orders.ports import InventoryStore
from orders.settings import Settings
from webapp.catalog.importer import import_sheets
from webapp.catalog.models import Product, Variant
from webapp.catalog.records import Sheets
from webapp.catalog.sheet import read_sheets
from webapp.catalog.stock import StockEntry, entries_of, set_up_stock
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
    return set_up_stock(inventory, entries)


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
