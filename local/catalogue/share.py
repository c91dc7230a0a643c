"""Draws the pictures that a shared link shows, as PNG: social networks take no SVG. `python -m local.catalogue.share`.

One for each drawing that a page of a product or a collection shows, and one for the shop. The browser of the tests draws
them, 1200 x 630 px as networks want them (ogp.me), in few enough colours to stay small. They are part of the release:
run it again when a drawing is new or changed (a test compares the names).
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

STATIC = Path(__file__).resolve().parents[2] / "webapp" / "static"
WIDTH, HEIGHT = 1200, 630
COLOURS = 96
SHOP = "shop"
_WHOLE_WIDTH = re.compile(r"M0 (\d+)h\d+v\d+H0z")
_PAGE = """<!doctype html><meta charset="utf-8"><style>
html, body {{ margin: 0; height: 100%; }}
body {{ display: grid; place-items: center; overflow: hidden; }}
.art svg {{ display: block; overflow: visible; }}
.mark {{ position: absolute; left: 44px; bottom: 40px; }} .mark svg {{ display: block; width: 72px; height: 72px; }}
</style><div class="art">{art}</div><div class="mark">{mark}</div>"""


def drawings() -> dict[str, Path]:
    """The drawings to show by the name of their picture; the shop's own is its hero."""
    found = {
        path.stem: path
        for path in sorted((STATIC / "catalogue").glob("*.svg"))
        if path.stem != "hero" and "--" not in path.stem
    }
    return {SHOP: STATIC / "catalogue" / "hero.svg", **found}


def picture(page: Page, drawing: Path) -> bytes:
    """One picture: the drawing over the whole height, its ground to both sides, the shop's mark in the corner."""
    art = drawing.read_text("utf-8")
    is_wide = 'viewBox="0 0 1600' in art
    sized = art.replace("<svg ", f'<svg width="{WIDTH}" ' if is_wide else f'<svg height="{HEIGHT}" ', 1)
    # Ground and table go on to both sides and below, where the drawing ends.
    sized = _WHOLE_WIDTH.sub(r"M-3000 \1h8000v3000H-3000z", sized)
    mark = (STATIC / "brand" / "mark.svg").read_text("utf-8")
    page.set_content(_PAGE.format(art=sized, mark=mark))
    return page.screenshot(type="png")


def small(png: bytes) -> bytes:
    """The same picture in few colours: flat art loses nothing that is seen, and a third of the bytes is left."""
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> int:
    """Draw them all anew."""
    from tests.e2e.chromium import ARGUMENTS, find_chromium

    folder = STATIC / "share"
    folder.mkdir(exist_ok=True)
    wanted = drawings()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, drawing in wanted.items():
            (folder / f"{name}.png").write_bytes(small(picture(page, drawing)))
        browser.close()
    for path in folder.glob("*.png"):
        if path.stem not in wanted:
            path.unlink()
    print(f"{len(wanted)} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
