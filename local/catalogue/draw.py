"""Draws every picture of the demo shop: `python -m local.catalogue.draw`.

One picture per product and one per further colour or material of it, as products.csv names them, besides those of the
categories, the collections and the home page. The pictures are kept in the repository; run this after changing a
drawing. Fails when a product has no drawing or a picture is larger than a page should carry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

from local.catalogue.art import (
    desk,
    garden,
    home_textiles,
    kitchen,
    lighting,
    scenes,
    table,
    travel,
    workshop,
)
from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import COLOURS, GROUNDS, named
from webapp.catalog.records import ProductRow
from webapp.catalog.sheet import read_sheets

FOLDER = Path(__file__).parent
STATIC = FOLDER.parent.parent / "webapp" / "static"
LARGEST_BYTES = 6_000
LARGEST_SCENE_BYTES = 28_000

DRAWINGS: dict[str, Callable[..., Canvas]] = {
    slug: drawing
    for module in (workshop, kitchen, table, desk, travel, garden, home_textiles, lighting)
    for slug, drawing in module.DRAWINGS.items()
}


def pictures() -> dict[str, str]:
    """Every picture's path below the static folder, and its markup."""
    sheets = read_sheets(FOLDER / name for name in ("categories.csv", "products.csv", "collections.csv"))
    drawn: dict[str, str] = {}
    for product in sheets.products:
        drawn |= _product(product)
    for category in sheets.categories:
        things = scenes.category(category.slug)
        drawn[category.image] = scenes.still_life(category.name, GROUNDS[category.slug], scenes.CARD, things)
    for collection in sheets.collections:
        back, things = scenes.collection(collection.slug)
        drawn[collection.image] = scenes.still_life(collection.name, back, scenes.CARD, things)
    back, things = scenes.hero()
    drawn["catalogue/hero.svg"] = scenes.still_life(
        "A long table of well-made things", back, scenes.HERO, things
    )
    return drawn


def _product(product: ProductRow) -> dict[str, str]:
    """The product's own picture, in the look of its first variant, and those of its other looks."""
    drawing = DRAWINGS[product.slug]
    drawn = {}
    for variant in product.variants:
        look = next((value for value in variant.options.values() if value in COLOURS), "")
        image = variant.image or product.image
        if image in drawn:
            continue
        # A drawing with a look of its own (a hammer's ash) needs none from the sheet.
        given = [named(look)] if look and signature(drawing).parameters else []
        title = f"{product.name}, {look}" if look else product.name
        drawn[image] = drawing(*given).svg(title)
    return drawn


def main() -> int:
    """Write the pictures that changed and name those that are too large. Returns the exit code."""
    code = 0
    for image, markup in pictures().items():
        size = len(markup.encode())
        is_scene = image.startswith(("catalogue/category-", "catalogue/collection-", "catalogue/hero"))
        if size > (LARGEST_SCENE_BYTES if is_scene else LARGEST_BYTES):
            print(f"{image} has {size} bytes; draw it with fewer shapes", file=sys.stderr)
            code = 1
        path = STATIC / image
        if not path.is_file() or path.read_text(encoding="utf-8") != markup:
            path.write_text(markup, encoding="utf-8")
            print(f"drew {image}, {size} bytes")
    return code


if __name__ == "__main__":
    sys.exit(main())
