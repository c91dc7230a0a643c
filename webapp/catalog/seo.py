"""What machines read of the catalogue: structured data, sitemaps and the rules for robots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort

from orders.domain.money import format_plain
from webapp.catalog.tree import tree
from webapp.languages import alternates, current_language, languages
from webapp.statements import one, rows
from webapp.wiring import wiring

bp = Blueprint("seo", __name__)

PRODUCTS_PER_SITEMAP = 10_000
"""Each in every language: below the protocol's 50,000 addresses and 50 MB (sitemaps.org), and quick to draw."""
KEPT_FOR = "public, max-age=3600"
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XHTML = "http://www.w3.org/1999/xhtml"
_AVAILABILITY = {True: "https://schema.org/InStock", False: "https://schema.org/OutOfStock"}

_SOMEBODYS = ("/cart", "/checkout/", "/orders/", "/account/", "/console/", "/search")


@bp.get("/robots.txt")
def robots() -> Response:
    """What robots may read; nothing outside production."""
    settings = wiring().settings
    if settings.stage == "dev":
        return _kept("User-agent: *\nDisallow: /\n", "text/plain")
    closed = [language.prefix + path for language in languages().offered for path in _SOMEBODYS]
    closed += ["/*?*after=", "/*?*before="]
    rules = "".join(f"Disallow: {path}\n" for path in closed)
    return _kept(f"User-agent: *\n{rules}\nSitemap: {settings.public_url}/sitemap.xml\n", "text/plain")


@bp.get("/sitemap.xml")
def sitemap_index() -> Response:
    """The list of sitemaps: one of the shelves, and one for every ten thousand product ids."""
    last = one("SELECT max(id) AS id FROM products", {})
    count = 0 if last is None or last.id is None else last.id // PRODUCTS_PER_SITEMAP + 1
    names = ["shelves", *(f"products-{n}" for n in range(count))]
    url = wiring().settings.public_url
    return _xml(
        "sitemapindex", (f"<sitemap><loc>{url}/sitemaps/{name}.xml</loc></sitemap>" for name in names)
    )


@bp.get("/sitemaps/shelves.xml")
def shelf_sitemap() -> Response:
    """The front, the shelves and the collections."""
    collections = rows("SELECT slug FROM collections ORDER BY position, id", {})
    paths = ["/", "/shop", *(f"/shop/{slug}" for slug in tree().by_slug)]
    paths += [f"/collections/{row.slug}" for row in collections]
    return _xml("urlset", (entry for path in paths for entry in _entries(path)))


@bp.get("/sitemaps/products-<int:number>.xml")
def product_sitemap(number: int) -> Response:
    """The products of one range of ids."""
    if number > 1_000_000:
        abort(404)
    found = rows(
        "SELECT slug, updated_at FROM products WHERE is_active AND id >= %(first)s AND id < %(end)s ORDER BY id",
        {"first": number * PRODUCTS_PER_SITEMAP, "end": (number + 1) * PRODUCTS_PER_SITEMAP},
    )
    return _xml(
        "urlset",
        (
            entry
            for row in found
            for entry in _entries(f"/products/{row.slug}", f"<lastmod>{row.updated_at:%Y-%m-%d}</lastmod>")
        ),
    )


def _entries(path: str, more: str = "") -> Iterator[str]:
    """The page in every language, each naming all of them, as search engines want it."""
    url, offered = wiring().settings.public_url, languages().offered
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{code}" href="{escape(url + prefix + path)}"/>'
        for code, prefix in alternates(offered)
    )
    for language in offered:
        yield f"<url><loc>{escape(url + language.prefix + path)}</loc>{more}{others}</url>"


def _home() -> str:
    """Where the addresses of the page's language begin."""
    return wiring().settings.public_url + current_language().prefix


def organisation() -> dict[str, Any]:
    """The shop as schema.org knows it."""
    settings = wiring().settings
    return {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": settings.shop_name,
        "url": f"{settings.public_url}/",
        "logo": f"{settings.public_url}/static/brand/mark.svg",
    }


def breadcrumbs(path: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A BreadcrumbList of (path, name)."""
    url = _home()
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "name": name, "item": f"{url}{where}"}
            for n, (where, name) in enumerate(path, 1)
        ],
    }


def product_data(
    product: Any, variants: Sequence[Any], levels: Mapping[str, Any] | None, picture: str
) -> dict[str, Any]:
    """A Product with one Offer for each variant. Stock that is not known is not claimed."""
    url = f"{_home()}/products/{product.slug}"
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "description": product.description,
        "url": url,
        "sku": variants[0].sku,
        "offers": [_offer(url, variant, levels) for variant in variants],
    }
    if product.maker:
        data["brand"] = {"@type": "Brand", "name": product.maker}
    if picture:
        data["image"] = f"{wiring().settings.public_url}{picture}"
    return data


def _offer(url: str, variant: Any, levels: Mapping[str, Any] | None) -> dict[str, Any]:
    level = levels.get(variant.sku) if levels is not None else None
    offer = {
        "@type": "Offer",
        "sku": variant.sku,
        "url": f"{url}?sku={variant.sku}",
        "price": format_plain(level.price_minor if level else variant.price_minor, variant.currency),
        "priceCurrency": variant.currency,
    }
    if levels is not None:
        offer["availability"] = _AVAILABILITY[level is not None and level.available > 0]
    return offer


def _xml(root: str, items: Iterator[str]) -> Response:
    names = f'xmlns="{_NAMESPACE}"' + (f' xmlns:xhtml="{_XHTML}"' if root == "urlset" else "")
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {names}>\n' + "\n".join(items)
    return _kept(f"{body}\n</{root}>\n", "application/xml")


def _kept(text: str, kind: str) -> Response:
    response = Response(text, mimetype=kind)
    response.headers["Cache-Control"] = KEPT_FOR
    return response
