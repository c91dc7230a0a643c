"""`make screenshots`: every page of the shop and of the console at a phone's, a tablet's and a desk's width, in light and dark, as PNG files;
and the German shop's at a phone's and a desk's.

Uses the shop that runs in CARTWRIGHT_HOME, or starts one for the time of it. `python -m tests.e2e.screenshots FOLDER console`
takes those of the console only; so do `shop` and `german`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.shop import started_shop
from tests.e2e.chromium import ARGUMENTS, find_chromium
from tests.e2e.conftest import RunningShop, look_at
from tests.e2e.console_tour import console_tour, furnish
from tests.e2e.german_tour import german_tour
from tests.e2e.tour import tour

WIDTHS = {360: 740, 768: 1024, 1440: 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
IN_GERMAN = {(360, "light"), (1440, "light")}


@contextmanager
def running_home() -> Iterator[Path]:
    """The home of a shop that runs."""
    home = Path(os.environ.get("CARTWRIGHT_HOME") or ".local").absolute()
    if (home / "run.json").exists():
        yield home
        return
    with (
        tempfile.TemporaryDirectory(prefix="cartwright-screenshots-") as folder,
        started_shop(Path(folder)) as shop,
    ):
        yield shop.home


def take(browser: Browser, shop: RunningShop, folder: Path, only: str = "") -> int:
    """Take them all, or those of the `shop`, the `german` shop or the `console` only; returns how many."""
    taken = 0
    furnished = furnish(shop, browser) if only in ("", "console") else None
    walks: dict[str, Callable[[Page], Iterator[str]]] = {
        "shop": lambda page: tour(shop, page),
        "german": lambda page: german_tour(shop, page),
        "console": lambda page: console_tour(page, furnished) if furnished else iter(()),
    }
    for width, scheme, walk in product(WIDTHS, SCHEMES, walks):
        if only not in ("", walk) or (walk == "german" and (width, scheme) not in IN_GERMAN):
            continue
        with browser.new_context(
            base_url=shop.url,
            viewport={"width": width, "height": WIDTHS[width]},
            color_scheme=scheme,
            reduced_motion="reduce",
        ) as context:
            context.set_default_timeout(30_000)
            page = context.new_page()
            for number, name in enumerate(walks[walk](page), 1):
                file = folder / f"{width}-{scheme}" / f"{walk}-{number:02d}-{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=file, full_page=True)
                taken += 1
    return taken


def main() -> int:
    """Write them into the folder that is named, and say where they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".local/screenshots").absolute()
    with running_home() as home, pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        shop = look_at(home, environment)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        only = sys.argv[2] if len(sys.argv) > 2 else ""
        print(f"{take(browser, shop, folder, only)} screenshots in {folder}")  # noqa: T201
        browser.close()
        shop.engine.dispose()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
