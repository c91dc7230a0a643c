"""Imports into a real PostgreSQL: all or nothing, idempotent, renames redirect, tallies stay exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from webapp.catalog.importer import ImportReport, import_sheets
from webapp.catalog.models import (
    Category,
    Collection,
    FacetCount,
    Product,
    SearchWord,
    SlugRedirect,
    Variant,
)
from webapp.catalog.records import SheetRefused
from webapp.catalog.sheet import read_sheets
from webapp.catalog.tallies import tally

HEADER = "product_slug,product_name,category,maker,tags,attributes,active,sku,options,price,variant_active"
CATEGORIES = "category_slug,category_name,parent\ntable,Table,\ncups,Cups,table\n"
MUG = "mug,Stoneware Mug,cups,Kiln,cup|coffee,Material=Clay,,MUG-OAT,Colour=Oat,18.00,\nmug,,,,,,,MUG-INK,Colour=Ink,19.00,\n"
JAR = "jar,Glass Jar,table,Lumen,pantry,Material=Glass,,JAR,,7.50,\n"


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session on a migrated database of this test's own."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


class Shop:
    """Imports texts as files and commits."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.folder = folder

    def take(self, products: str, categories: str = CATEGORIES) -> ImportReport:
        """Import both sheets; rolls back and raises when they are refused."""
        (self.folder / "categories.csv").write_text(categories, encoding="utf-8")
        (self.folder / "products.csv").write_text(f"{HEADER}\n{products}", encoding="utf-8")
        try:
            sheets = read_sheets([self.folder / "categories.csv", self.folder / "products.csv"])
            report = import_sheets(self.session, sheets)
        except SheetRefused:
            self.session.rollback()
            raise
        self.session.commit()
        self.session.expire_all()
        return report

    def product(self, slug: str) -> Product:
        """The product with this slug."""
        return self.session.scalars(select(Product).where(Product.slug == slug)).one()

    def assert_tallies_are_exact(self) -> None:
        """The stored counts are those that counting everything anew gives."""
        counted = tally(self.session.scalars(select(Product)))
        stored = self.session.execute(
            select(FacetCount.category_id, FacetCount.name, FacetCount.value, FacetCount.product_count)
        )
        assert {(row[0], row[1], row[2]): row[3] for row in stored} == dict(counted.facets)
        words = self.session.execute(select(SearchWord.word, SearchWord.frequency)).all()
        assert dict(words) == dict(counted.words)
        counts = self.session.execute(select(Category.id, Category.product_count)).all()
        assert {key: count for key, count in counts if count} == dict(counted.categories)


@pytest.fixture
def shop(session: Session, tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop(session, tmp_path)


def test_an_import_fills_the_shop(shop: Shop) -> None:
    """Products, variants, price range, facets and category tree come out as the sheet says."""
    report = shop.take(MUG + JAR)
    assert (report.created, report.variants, report.categories) == (2, 3, 2)
    mug = shop.product("mug")
    assert (mug.min_price_minor, mug.max_price_minor, mug.currency) == (1800, 1900, "EUR")
    assert mug.attributes == {"Material": ["Clay"], "Maker": ["Kiln"], "Colour": ["Oat", "Ink"]}
    assert [(v.sku, v.position) for v in mug.variants] == [("MUG-OAT", 0), ("MUG-INK", 1)]
    assert mug.category.parent is not None
    assert mug.category.parent.slug == "table"
    shop.assert_tallies_are_exact()


def test_the_same_sheet_again_changes_nothing(shop: Shop) -> None:
    """Not even the time of the last change."""
    shop.take(MUG + JAR)
    before = shop.session.execute(select(Product.id, Product.slug, Product.updated_at)).all()
    shop.session.commit()
    report = shop.take(MUG + JAR)
    assert (report.created, report.updated, report.unchanged) == (0, 0, 2)
    assert shop.session.execute(select(Product.id, Product.slug, Product.updated_at)).all() == before
    shop.assert_tallies_are_exact()


def test_a_changed_row_is_brought_up_to_date(shop: Shop) -> None:
    """Price, name, category and facets follow the sheet, and the tallies follow them."""
    shop.take(MUG + JAR)
    report = shop.take(
        JAR.replace("7.50", "8.25").replace("Glass Jar", "Preserving Jar").replace(",table,", ",cups,")
    )
    assert (report.updated, report.unchanged) == (1, 0)
    jar = shop.product("jar")
    assert (jar.name, jar.min_price_minor, jar.category.slug) == ("Preserving Jar", 825, "cups")
    assert shop.session.get(SearchWord, "preserving") is not None
    shop.assert_tallies_are_exact()


def test_one_bad_row_keeps_the_whole_file_out(shop: Shop) -> None:
    """All or nothing: half a catalogue is worse than yesterday's."""
    with pytest.raises(SheetRefused) as refusal:
        shop.take(MUG + JAR.replace(",table,", ",cellar,"))
    (problem,) = refusal.value.problems
    assert (problem.row, problem.column) == (4, "category")
    assert shop.session.scalar(select(func.count(Product.id))) == 0
    assert shop.session.scalar(select(func.count(Category.id))) == 0


def test_a_new_slug_for_known_skus_is_a_rename_and_the_old_address_redirects(shop: Shop) -> None:
    """Links and the product's id outlive its name; renaming back takes the redirect away."""
    shop.take(MUG)
    product_id = shop.product("mug").id
    report = shop.take(MUG.replace("mug,", "beaker,"))
    assert report.renamed == [("mug", "beaker")]
    assert shop.product("beaker").id == product_id
    redirect = shop.session.get_one(SlugRedirect, "mug")
    assert redirect.product_id == product_id
    shop.take(MUG)
    assert [item.slug for item in shop.session.scalars(select(SlugRedirect))] == ["beaker"]
    assert shop.product("mug").id == product_id


def test_a_new_product_at_a_former_address_takes_the_address(shop: Shop) -> None:
    """A page wins over a redirect; nothing may lead past it."""
    shop.take(MUG)
    shop.take(MUG.replace("mug,", "beaker,"))
    shop.take(MUG.replace("mug,", "beaker,") + JAR.replace("jar,", "mug,", 1))
    assert shop.session.get(SlugRedirect, "mug") is None


def test_a_sku_cannot_move_to_another_product(shop: Shop) -> None:
    """Its stock and its orders would silently change what they are about."""
    shop.take(MUG + JAR)
    with pytest.raises(SheetRefused) as refusal:
        shop.take(MUG.replace("MUG-INK", "JAR"))
    (problem,) = refusal.value.problems
    assert (problem.row, problem.column) == (3, "sku")
    assert "'jar'" in problem.advice


def test_what_is_off_sale_leaves_facets_prices_and_words(shop: Shop) -> None:
    """A variant that is off sale gives the card no price; a product that is off sale counts nowhere."""
    shop.take(MUG)
    shop.take(MUG.replace("18.00,", "18.00,no"))
    mug = shop.product("mug")
    assert (mug.min_price_minor, mug.attributes["Colour"]) == (1900, ["Ink"])
    shop.take(MUG.replace("Material=Clay,,", "Material=Clay,no,"))
    assert shop.session.scalar(select(func.count()).select_from(SearchWord)) == 0
    shop.assert_tallies_are_exact()


def test_variants_that_a_sheet_does_not_name_stay(shop: Shop) -> None:
    """A sheet with some variants is no order to throw the others away."""
    shop.take(MUG)
    shop.take(MUG.splitlines()[0] + "\n")
    assert {variant.sku for variant in shop.product("mug").variants} == {"MUG-OAT", "MUG-INK"}


def test_the_order_of_options_is_kept(shop: Shop) -> None:
    """A page offers the colour first when the sheet names it first, also after the sheet turned them round."""
    shop.take(JAR.replace("JAR,,", "JAR,Size=L|Lid=Yes,"))
    assert list(shop.product("jar").variants[0].options) == ["Size", "Lid"]
    report = shop.take(JAR.replace("JAR,,", "JAR,Lid=Yes|Size=L,"))
    assert report.updated == 1
    assert list(shop.product("jar").variants[0].options) == ["Lid", "Size"]


def test_categories_cannot_go_round_in_a_circle(shop: Shop) -> None:
    """A tree that bites its tail would never end on a page."""
    shop.take("")
    with pytest.raises(SheetRefused, match="not below this category"):
        shop.take("", "category_slug,category_name,parent\ntable,Table,cups\n")
    with pytest.raises(SheetRefused, match="add the category 'attic'"):
        shop.take("", "category_slug,category_name,parent\ntable,Table,attic\n")


def test_the_search_finds_what_was_imported_by_word_and_by_beginning(shop: Shop) -> None:
    """PostgreSQL keeps the search column itself; names weigh more than tags."""
    shop.take(MUG + JAR)
    for query, slug in (("mugs", "mug"), ("coffee", "mug"), ("pant:*", "jar"), ("ink", "mug")):
        found = shop.session.scalars(
            select(Product.slug).where(Product.search.op("@@")(func.to_tsquery("english", query)))
        ).all()
        assert found == [slug], query


def test_the_demo_shop_imports_and_imports_again(session: Session) -> None:
    """The sheets that a newcomer's shop starts with."""
    folder = Path("local/catalogue")
    sheets = read_sheets(folder / name for name in ("categories.csv", "products.csv", "collections.csv"))
    report = import_sheets(session, sheets)
    session.commit()
    assert (report.created, report.categories, report.collections) == (64, 8, 4)
    again = import_sheets(session, sheets)
    session.commit()
    assert (again.created, again.updated, again.unchanged) == (0, 0, 64)
    assert session.scalar(select(func.count(Variant.id))) == report.variants
    members = session.scalars(select(Collection).order_by(Collection.position)).first()
    assert members is not None
    assert members.members[0].product.slug == "enamel-kettle"


@pytest.mark.parametrize(
    ("order", "index"),
    [
        ("popularity DESC, id DESC", "ix_products_category_popularity"),
        ("min_price_minor, id", "ix_products_category_price"),
        ("created_at DESC, id DESC", "ix_products_category_age"),
    ],
)
def test_each_order_of_a_list_is_one_index_range(session: Session, order: str, index: str) -> None:
    """A page of a list may sort nothing, or it grows with the shop."""
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    column = order.split()[0].rstrip(",")
    sign = "<" if "DESC" in order else ">"
    after = "now()" if column == "created_at" else "500"
    plan = "\n".join(
        session.scalars(
            text(
                f"EXPLAIN SELECT id FROM products WHERE is_active AND category_id = 7 "  # noqa: S608
                f"AND ({column}, id) {sign} ({after}, 9) ORDER BY {order} LIMIT 24"
            )
        )
    )
    assert index in plan
    assert "Sort" not in plan


def test_words_in_other_languages_come_and_go_with_the_sheet(shop: Shop) -> None:
    """As names do: a sheet without them takes them away."""
    german = "category_slug,category_name,category_name:de\ntable,Table,Esstisch\ncups,Cups,\n"
    for sheet, words in ((german, {"de": {"name": "Esstisch", "description": ""}}), (CATEGORIES, {})):
        shop.take(MUG, sheet)
        found = {category.slug: category.words for category in shop.session.scalars(select(Category))}
        assert found == {"table": words, "cups": {}}
