"""A shop worth looking at: the schema, the demo catalogue and its stock. Run again, it changes nothing.

python -m local.seed database    needs PostgreSQL: migrates, and imports the catalogue where there is none
python -m local.seed stock       needs the deployed tables too: makes the SKUs known and fills the shelves once

The last line that each prints is for the person who waits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from local.aws import REPOSITORY
from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.ids import Sku
from orders.settings import Settings
from webapp.catalog.importer import import_sheets
from webapp.catalog.models import Product, Variant
from webapp.catalog.records import Sheets
from webapp.catalog.sheet import read_sheets
from webapp.catalog.stock import initial_movement

CATALOGUE = Path(__file__).parent / "catalogue"
SHEETS = ("categories.csv", "products.csv", "collections.csv")


def migrate(database_url: str) -> None:
    """Bring the schema to the newest revision."""
    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["database_url"] = database_url
    command.upgrade(config, "head")


def import_catalogue(session: Session) -> int:
    """Import the demo catalogue into a shop without products. Returns how many products the shop has."""
    if not session.scalar(select(func.count()).select_from(select(Product.id).limit(1).subquery())):
        import_sheets(session, demo_sheets())
        session.commit()
    return session.scalar(select(func.count(Product.id))) or 0


def fill_shelves(session: Session, inventory: DynamoInventory) -> int:
    """Make every SKU of the demo catalogue known at the shop's price, and bring its first pieces, once.

    Returns how many SKUs that were. Stock that was sold, counted or brought since stays as it is.
    """
    first_pieces = dict(_first_pieces(demo_sheets()))
    variants = session.scalars(select(Variant).where(Variant.sku.in_(first_pieces))).all()
    for variant in variants:
        sku = Sku(variant.sku)
        inventory.set_up_sku(sku, variant.price_minor, variant.currency)
        if first_pieces[variant.sku]:
            inventory.restock(sku, first_pieces[variant.sku], initial_movement(variant.sku))
    return len(variants)


def demo_sheets() -> Sheets:
    """The demo catalogue."""
    return read_sheets(CATALOGUE / name for name in SHEETS)


def _first_pieces(sheets: Sheets) -> Iterator[tuple[str, int]]:
    for product in sheets.products:
        for variant in product.variants:
            yield variant.sku, variant.stock


def main(what: str) -> str:
    """Do one of the two; returns the line for the person."""
    settings = Settings.from_environment(os.environ)
    if what == "database":
        migrate(settings.database_url)
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        if what == "database":
            return f"{import_catalogue(session):,} products"
        inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
        return f"stock of {fill_shelves(session, inventory)} SKUs"


if __name__ == "__main__":
    if sys.argv[1:] not in (["database"], ["stock"]):
        raise SystemExit(__doc__)
    print(main(sys.argv[1]))
