"""Made-up goods and stock: the same goods every time, exact tallies, and first pieces that come once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from orders.adapters.aws import make_client
from orders.adapters.clock import SystemClock
from orders.adapters.dynamodb.inventory import DynamoInventory
from orders.domain.ids import Sku
from orders.settings import Settings
from webapp.catalog import cli, generator
from webapp.catalog.models import Category, FacetCount, Product, SearchWord, Variant
from webapp.catalog.stock import StockEntry, entries_from_catalogue, set_up_stock
from webapp.catalog.tallies import tally
from webapp.extensions import db


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session on a migrated database of this test's own."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_generating_again_adds_what_is_missing_and_no_more(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run goes on; a finished one has nothing to do; the goods do not depend on how they were asked for."""
    monkeypatch.setattr(generator, "BATCH", 40)
    seen: list[int] = []
    assert generator.generate(session, 100, on_progress=lambda progress: seen.append(progress.done)) == 100
    assert seen == [40, 80, 100]
    assert generator.generate(session, 100) == 0
    assert generator.generate(session, 130) == 30
    assert session.scalar(select(func.count(Product.id))) == 130
    slugs = session.scalars(select(Product.slug).order_by(Product.id)).all()
    assert slugs == [generator.product(number, 1).slug for number in range(130)]


def test_generated_goods_are_whole_products(session: Session) -> None:
    """Each has variants, a price range, a shelf and a search entry, and the tallies are those of a recount."""
    generator.generate(session, 300)
    products = session.scalars(select(Product)).all()
    assert all(product.search and product.variants for product in products)
    for product in products:
        prices = [variant.price_minor for variant in product.variants]
        assert (product.min_price_minor, product.max_price_minor) == (min(prices), max(prices))
    counted = tally(products)
    words = session.execute(select(SearchWord.word, SearchWord.frequency)).all()
    assert dict(words) == dict(counted.words)
    assert session.scalar(select(func.sum(Category.product_count))) == 300
    assert session.scalar(select(func.sum(FacetCount.product_count))) == counted.facets.total()


def test_more_than_a_million_is_refused(session: Session) -> None:
    """The numbers in the SKUs have seven digits, and the promise ends at a million."""
    with pytest.raises(ValueError, match="0 to 1,000,000"):
        generator.generate(session, 1_000_001)


def test_first_pieces_come_once_and_the_price_follows(aws_settings: Settings) -> None:
    """Importing twice adds no stock, whatever the second file says; it does bring the new price."""
    inventory = DynamoInventory(make_client("dynamodb", aws_settings), aws_settings, SystemClock())
    entries = [StockEntry(f"CW-{n}", 1_000 + n, "EUR", n) for n in range(30)]
    assert set_up_stock(inventory, entries) == 30
    assert set_up_stock(inventory, [StockEntry("CW-7", 1_250, "EUR", 99)]) == 1
    levels = inventory.levels([Sku("CW-0"), Sku("CW-7"), Sku("CW-29")])
    assert {sku: level.available for sku, level in levels.items()} == {"CW-0": 0, "CW-7": 7, "CW-29": 29}
    assert levels[Sku("CW-7")].price_minor == 1_250


def test_entries_from_the_catalogue_begin_with_the_popular(session: Session) -> None:
    """A load test buys what sells most; only that much needs stock."""
    generator.generate(session, 50)
    most_popular = session.scalars(
        select(Product).order_by(Product.popularity.desc(), Product.id.desc()).limit(1)
    ).one()
    entries = list(entries_from_catalogue(session, 5, 3))
    assert len(entries) == 3
    assert (entries[0].sku, entries[0].quantity) == (most_popular.variants[0].sku, 5)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """An application with the catalogue's commands and nothing else."""
    app = Flask("webapp")
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_url, CARTWRIGHT_SETTINGS=settings)
    db.init_app(app)
    app.register_blueprint(cli.bp)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_the_commands_import_stock_and_generate(app: Flask, settings: Settings) -> None:
    """What a shop owner types, against the real database and the local AWS."""
    runner = app.test_cli_runner()
    files = [f"local/catalogue/{name}.csv" for name in ("categories", "products", "collections")]
    dry = runner.invoke(args=["catalog", "import", *files, "--dry-run"])
    assert (dry.exit_code, "Nothing is wrong" in dry.output) == (0, True), dry.output
    with app.app_context():
        assert db.session.scalar(select(func.count(Product.id))) == 0
    done = runner.invoke(args=["catalog", "import", *files])
    assert done.exit_code == 0, done.output
    again = runner.invoke(args=["catalog", "stock", files[1]])
    assert again.exit_code == 0, again.output
    inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
    level = inventory.levels([Sku("CW-HAM-450G")])[Sku("CW-HAM-450G")]
    assert (level.available, level.price_minor) == (40, 3400)
    made = runner.invoke(args=["catalog", "generate", "--products", "20", "--stocked-skus", "5"])
    assert (made.exit_code, "20 products added" in made.output) == (0, True), made.output
    with app.app_context():
        assert db.session.scalar(select(func.count(Variant.id)).where(Variant.sku.startswith("GEN-"))) >= 20


def test_a_sku_that_many_want_is_split(app: Flask, settings: Settings) -> None:
    """All its pieces at the same price, over more counters; a smaller number takes none away."""
    inventory = DynamoInventory(make_client("dynamodb", settings), settings, SystemClock())
    inventory.set_up_sku(Sku("HOT"), 1250, "EUR")
    inventory.restock(Sku("HOT"), 100, "first")
    runner = app.test_cli_runner()
    done = runner.invoke(args=["catalog", "split", "HOT", "8"])
    assert done.output == "HOT: 100 pieces on 8 counters (before: 1)\n"
    again = runner.invoke(args=["catalog", "split", "HOT", "4"])
    assert again.output == "HOT: 100 pieces on 8 counters (before: 8)\n"
    level = inventory.levels([Sku("HOT")])[Sku("HOT")]
    assert (level.available, level.counters, level.price_minor) == (100, 8, 1250)
    unknown = runner.invoke(args=["catalog", "split", "COLD", "8"])
    assert unknown.exit_code == 1
    assert "does not know COLD" in unknown.output


def test_a_refused_sheet_tells_row_and_column_and_fails(app: Flask, tmp_path: Path) -> None:
    """A script that imports every night must see the failure, and its owner the row."""
    sheet = tmp_path / "night.csv"
    sheet.write_text("product_slug,product_name,category,sku,price\nmug,Mug,attic,M,12\n", encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["catalog", "import", str(sheet)])
    assert result.exit_code == 1
    assert "night.csv, row 2, category: add the category 'attic' first" in result.output
