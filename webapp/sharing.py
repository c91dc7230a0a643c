"""What a link shows where it is shared: the page's picture as PNG, because social networks take no SVG (ogp.me)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from flask import Flask

from webapp.assets import STATIC, asset

WIDTH, HEIGHT = 1200, 630
"""What `python -m local.catalogue.share` draws."""
SHOP = "share/shop.png"


@dataclass(frozen=True, slots=True)
class SharePicture:
    """A picture's path on this site and its type."""

    url: str
    type: str = "image/png"
    width: int = WIDTH
    height: int = HEIGHT


@cache
def share_picture(image: str | None) -> SharePicture:
    """The picture of a drawing below the static folder, or the shop's own where there is none."""
    name = f"share/{PurePosixPath(image or '').stem}.png"
    return SharePicture(asset(name if image and (STATIC / name).is_file() else SHOP))


def register_sharing(app: Flask) -> None:
    """Make it known to the layout."""
    app.jinja_env.globals["share_picture"] = share_picture
