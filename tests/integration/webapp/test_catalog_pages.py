"""The catalogue's pages: lists with stable addresses, products with variants, and honest answers for what is gone."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import update

from orders.domain.ids import Sku
from tests.integration.webapp.conftest import MUG_BLUE, ShopUnderTest, put_in_cart
from webapp.catalog.models import Category, Product, Variant
from webapp.catalog.paging import PAGE_SIZE
from webapp.extensions import db


def add_products(shop: ShopUnderTest, count: int) -> None:
    """More on the shelf, several with the same popularity and price."""
    with shop.app.app_context():
        shelf = db.session.query(Category).one()
        for n in range(count):
            product = Product(
                slug=f"thing-{n}", name=f"Thing {n}", category_id=shelf.id, popularity=n % 3, currency="EUR",
                min_price_minor=1000 + n % 5, max_price_minor=1000 + n % 5,
                variants=[Variant(sku=f"T-{n}", price_minor=1000, currency="EUR")],
            )  # fmt: skip
            db.session.add(product)
        db.session.commit()
        db.session.remove()


def slugs(text: str) -> list[str]:
    """The products of a page, in order."""
    return re.findall(r'<a href="/products/([\w-]+)">', text)


def walk(browser, start: str, rel: str) -> list[list[str]]:  # type: ignore[no-untyped-def]
    """Every page from one on, by its links."""
    pages, path = [], start
    while path:
        text = browser.get(path).text
        pages.append(slugs(text))
        link = re.search(rf'rel="{rel}" href="([^"]+)"', text)
        path = "/shop/kitchen" + link[1].replace("&amp;", "&") if link else ""
    return pages


def test_every_product_is_on_exactly_one_page_in_every_order(shop: ShopUnderTest) -> None:
    """Forwards nothing is missed or repeated, whatever ties there are; backwards gives the same pages."""
    add_products(shop, 70)
    browser = shop.client()
    for sort in ("popular", "price", "price-down", "new"):
        pages = walk(browser, f"/shop/kitchen?sort={sort}", "next")
        seen = [slug for page in pages for slug in page]
        assert len(seen) == len(set(seen)) == 72
        assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, PAGE_SIZE]


def test_a_page_keeps_its_place_when_something_is_added_before_it(shop: ShopUnderTest) -> None:
    """An address names a place between rows, not a number of rows."""
    add_products(shop, 60)
    browser = shop.client()
    link = re.search(r'rel="next" href="([^"]+)"', browser.get("/shop/kitchen").text)
    assert link
    path = "/shop/kitchen" + link[1].replace("&amp;", "&")
    before = slugs(browser.get(path).text)
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "thing-0").values(popularity=99))
        db.session.commit()
    assert slugs(browser.get(path).text)[:10] == [slug for slug in before if slug != "thing-0"][:10]


def test_a_nonsense_place_begins_at_the_beginning(shop: ShopUnderTest) -> None:
    """A cut, forged or foreign cursor and an unknown order are no error."""
    browser = shop.client()
    first = slugs(browser.get("/shop/kitchen").text)
    for query in (
        "after=x",
        "after=WyJhIl0",
        "before=%00",
        "sort=evil",
        "after=" + "A" * 999,
        "after=WzEsMmU5OTld",
    ):
        answer = browser.get(f"/shop/kitchen?{query}")
        assert answer.status_code == 200
        assert slugs(answer.text) == first


def test_a_variant_has_an_address_and_the_picker_needs_no_script(shop: ShopUnderTest) -> None:
    """Each value is a link to the variant; the form sends the one that is shown."""
    page = shop.client().get(f"/products/mug?sku={MUG_BLUE}")
    assert f'name="sku" value="{MUG_BLUE}"' in page.text
    assert re.search(r'href="\?sku=MUG-OAT"[^>]*>Oat', page.text)
    assert re.search(r'href="\?sku=MUG-BLUE"[^>]*aria-current="true"[^>]*>Blue', page.text)


def test_a_sold_out_variant_is_said_and_the_first_choice_is_one_that_is_left(shop: ShopUnderTest) -> None:
    """No dead button: what cannot be had has no form."""
    shop.inventory.adjust(Sku(MUG_BLUE), -3, "gone")
    browser = shop.client()
    page = browser.get(f"/products/mug?sku={MUG_BLUE}")
    assert "Sold out for now" in page.text
    assert "Add to cart" not in page.text
    assert 'name="sku" value="MUG-OAT"' in browser.get("/products/mug").text


def test_a_renamed_product_redirects_and_a_withdrawn_one_is_gone(shop: ShopUnderTest) -> None:
    """301 to the new address, 410 for what is not sold any more, 404 for what never was."""
    browser = shop.client()
    moved = browser.get("/products/cup")
    assert (moved.status_code, moved.location) == (301, "/products/mug")
    with shop.app.app_context():
        db.session.execute(update(Product).where(Product.slug == "mug").values(is_active=False))
        db.session.commit()
    assert browser.get("/products/mug").status_code == 410
    assert browser.get("/products/never").status_code == 404
    assert "mug" not in slugs(browser.get("/shop/kitchen").text)


def test_an_empty_shelf_leads_on(shop: ShopUnderTest) -> None:
    """An empty state says what to do."""
    with shop.app.app_context():
        db.session.add(Category(slug="attic", name="Attic"))
        db.session.commit()
    assert "Nothing on this shelf right now" in shop.client().get("/shop/attic").text
    assert shop.client().get("/shop/cellar").status_code == 404


def test_a_sold_out_piece_says_when_it_is_back_unless_that_day_has_passed(shop: ShopUnderTest) -> None:
    """On its page and in a cart; a broken promise is not repeated."""
    today = shop.clock.now().date()
    browser = shop.client()
    put_in_cart(browser, MUG_BLUE)
    shop.inventory.adjust(Sku(MUG_BLUE), -3, "broken")
    for back_on, is_said in (
        (today + timedelta(days=3), True),
        (today - timedelta(days=1), False),
        (None, False),
    ):
        with shop.app.app_context():
            db.session.execute(update(Variant).where(Variant.sku == MUG_BLUE).values(back_on=back_on))
            db.session.commit()
        # The cart looks at the stock anew, the product's page as often as it can have changed.
        for page in (browser.get("/cart").text, browser.get(f"/products/mug?sku={MUG_BLUE}").text):
            assert ("back on" in page) is is_said
            assert "old out" in page
