"""Catalogue sheets: every fault is named at once, with its row, its column and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.catalogue.draw import pictures
from webapp.catalog.records import Problem, SheetRefused, Sheets
from webapp.catalog.sheet import read_sheets

HEADER = "product_slug,product_name,category,sku,options,price,stock"


def read(tmp_path: Path, text: str, name: str = "products.csv") -> Sheets:
    """The sheets of one file with this text."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return read_sheets([file])


def problems_of(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    """What is wrong with a file of this text."""
    with pytest.raises(SheetRefused) as refusal:
        read(tmp_path, text)
    return refusal.value.problems


def test_the_rows_of_a_product_become_one_product_with_variants(tmp_path: Path) -> None:
    """What stands in the first row holds for the product; later rows may leave it empty."""
    text = (
        f"{HEADER}\nmug,Mug,table,MUG-S,Size=S,18.00,4\nmug,,,MUG-L,Size=L,21.50,\njar,Jar,table,JAR,,7,1\n"
    )
    mug, jar = read(tmp_path, text).products
    assert [(v.sku, v.price_minor, v.stock, v.row) for v in mug.variants] == [
        ("MUG-S", 1800, 4, 2),
        ("MUG-L", 2150, 0, 3),
    ]
    assert (jar.name, jar.row, jar.variants[0].price_minor) == ("Jar", 4, 700)


def test_a_shelf_has_words_in_other_languages_or_has_none(tmp_path: Path) -> None:
    """A shelf without a description needs none in German; half of the words would mix two languages in one place."""
    header = "category_slug,category_name,category_name:de,description,description:de\n"
    rows = "kitchen,Kitchen,Küche,For cooks.,Für Köche.\ndesk,Desk,,For hours.,\nbin,Bin,Kiste,,\n"
    kitchen, desk, bin_ = read(tmp_path, header + rows).categories
    assert kitchen.words == {"de": {"name": "Küche", "description": "Für Köche."}}
    assert (desk.words, bin_.words) == ({}, {"de": {"name": "Kiste", "description": ""}})
    for row, column in (
        ("a,A,Ä,Long.,", "description:de"),
        ("a,A,,Long.,Lang.", "category_name:de"),
        ("a,A,Ä,,Lang.", "description:de"),
    ):
        (problem,) = problems_of(tmp_path, f"{header}{row}\n")
        assert (problem.row, problem.column) == (2, column)


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    """Somebody with a long sheet mends it in one round."""
    text = f"{HEADER}\nMug,,table,MUG-S,,1.234,4\n\njar,Jar,table,J R,Size,x,-1\n"
    places = {(problem.row, problem.column) for problem in problems_of(tmp_path, text)}
    assert places == {
        (2, "product_slug"), (2, "product_name"), (2, "price"),
        (4, "sku"), (4, "options"), (4, "price"), (4, "stock"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "row", "column", "advice"),
    [
        ("", 1, "", "start the header with one of"),
        ("product_slug;product_name;category;sku;price\n", 1, "", "use commas"),
        ("product_slug,product_name,category,sku\n", 1, "price", "add this column"),
        (f"{HEADER},wieght_grams\n", 1, "wieght_grams", "rename this column to weight_grams"),
        (f"{HEADER},zzz\n", 1, "zzz", "remove this column"),
        (f"{HEADER},stock\n", 1, "stock", "keep this column once"),
        (f"{HEADER}\nmug,Mug,table,M,,1\n", 2, "", "give 7 cells"),
        (f"{HEADER}\nmug,Mug,table,M,A=1,1,1\nmug,Cup,,N,A=2,1,1\n", 3, "product_name", "row 2"),
        (f"{HEADER}\nmug,Mug,table,M,A=1,1,1\nmug,,,N,A=1,1,1\n", 2, "options", "its own combination"),
        (f"{HEADER}\nmug,Mug,table,M,A=1,1,1\nmug,,,N,B=2,1,1\n", 2, "options", "same options"),
        (f"{HEADER}\nmug,Mug,table,M,,1,1\njar,Jar,table,M,,1,1\n", 3, "sku", "products.csv, row 2"),
        (f'{HEADER}\nmug,"Mug,table,M,,1,1\n', 2, "", "mend the quotes"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place_and_its_cure(
    tmp_path: Path, text: str, row: int, column: str, advice: str
) -> None:
    """Row numbers are those that a spreadsheet shows."""
    found = problems_of(tmp_path, text)
    assert any((p.row, p.column) == (row, column) and advice in p.advice for p in found), found


def test_rows_of_a_product_must_stand_together(tmp_path: Path) -> None:
    """Otherwise a slug typed twice by mistake would merge two products."""
    text = f"{HEADER}\nmug,Mug,table,M,,1,1\njar,Jar,table,J,,1,1\nmug,Mug,table,N,,1,1\n"
    (problem,) = problems_of(tmp_path, text)
    assert (problem.row, problem.column) == (4, "product_slug")
    assert "belong together" in problem.advice


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Guessing an encoding would put wrong letters into the shop."""
    file = tmp_path / "products.csv"
    file.write_bytes(HEADER.encode() + b"\nmug,Gr\xfcner Becher,table,M,,1,1\n")
    with pytest.raises(SheetRefused, match="save the file as UTF-8"):
        read_sheets([file])


def test_the_byte_order_mark_of_a_spreadsheet_is_no_fault(tmp_path: Path) -> None:
    """Spreadsheets put one in front of what they save as CSV UTF-8."""
    assert read(tmp_path, f"\ufeff{HEADER}\nmug,Mug,table,M,,1,1\n").products


def test_facets_gather_maker_and_the_colours_of_the_variants_on_sale(tmp_path: Path) -> None:
    """A shopper who filters by a colour must find the product that comes in it, and only then."""
    text = (
        "product_slug,product_name,category,maker,attributes,sku,options,price,variant_active\n"
        "mug,Mug,table,Kiln,Material=Clay,A,Colour=Oat,1,\nmug,,,,,B,Colour=Ink,1,no\n"
    )
    (mug,) = read(tmp_path, text).products
    assert mug.facets() == {"Material": ["Clay"], "Maker": ["Kiln"], "Colour": ["Oat"]}


def test_the_demo_shop_is_sound_and_as_large_as_promised() -> None:
    """64 products in 8 categories, each with a picture, a description of some length and a price."""
    folder = Path("local/catalogue")
    sheets = read_sheets(folder / name for name in ("categories.csv", "products.csv", "collections.csv"))
    pictures = Path("webapp/static")
    assert len(sheets.categories) == 8
    assert len(sheets.products) == 64
    assert sum(len(product.variants) for product in sheets.products) >= 150
    for product in sheets.products:
        assert len(product.description) > 120, product.slug
        for image in {product.image, *(variant.image for variant in product.variants)} - {""}:
            assert (pictures / image).is_file(), image
    for item in (*sheets.categories, *sheets.collections):
        assert (pictures / item.image).is_file(), item.image
    stock = [variant.stock for product in sheets.products for variant in product.variants]
    assert 0 in stock
    assert any(0 < pieces < 5 for pieces in stock)


def test_the_pictures_in_the_repository_are_those_that_the_program_draws() -> None:
    """A drawing or a colour that was changed shows only after `python -m local.catalogue.draw`."""
    folder = Path("webapp/static/catalogue")
    drawn = pictures()
    assert {f"catalogue/{path.name}" for path in folder.glob("*.svg")} == set(drawn)
    stale = [
        image for image, markup in drawn.items() if Path("webapp/static", image).read_text("utf-8") != markup
    ]
    assert stale == []
