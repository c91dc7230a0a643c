"""Search and filters: typing errors forgiven and said, counts that are true, and both ways to a page finding the same."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests.integration.webapp.conftest import ShopUnderTest
from tests.integration.webapp.test_catalog_pages import slugs
from webapp.catalog import finding, paging, tiers
from webapp.catalog.importer import import_sheets
from webapp.catalog.records import CategoryRow, ProductRow, Sheets, VariantRow
from webapp.extensions import db


@pytest.fixture(scope="module")
def stocked(looked_at: ShopUnderTest) -> ShopUnderTest:
    """A shop filled by the importer, which keeps the tallies and the vocabulary."""
    rows = [
        ("oak-bench", "Oak Bench", "garden", {"Material": ["Oak"], "Colour": ["Natural"]}, 24000, "A seat for two."),
        ("oak-board", "Chopping Board", "kitchen", {"Material": ["Oak"]}, 3900, "End grain, oiled."),
        ("steel-kettle", "Steel Kettle", "kitchen", {"Material": ["Steel"], "Colour": ["Ink"]}, 5400, "Whistles."),
        ("red-kettle", "Enamel Kettle", "kitchen", {"Material": ["Enamel"], "Colour": ["Rust"]}, 6400, "Whistles too."),
        ("steel-lamp", "Reading Lamp", "lighting", {"Material": ["Steel", "Brass"]}, 12000, "Bends with an oak knob."),
        ("lamps", "Pair of Lamps", "lighting", {"Material": ["Glass"]}, 18000, "For two tables."),
    ]  # fmt: skip
    sheets = Sheets(
        categories=[
            CategoryRow("t", n, slug, slug.title(), "", n, "", "")
            for n, slug in enumerate(("garden", "lighting"))
        ],
        products=[_product(n, *row) for n, row in enumerate(rows)],
    )
    with looked_at.app.app_context():
        import_sheets(db.session(), sheets)
        db.session.commit()
        db.session.remove()
    return looked_at


def _product(
    number: int, slug: str, name: str, category: str, attributes: dict[str, list[str]], price: int, text: str,
    popularity: int = 0, tags: tuple[str, ...] = (),
) -> ProductRow:  # fmt: skip
    variant = VariantRow(number, f"SKU-{number}", {}, price, "EUR", 100, "", True, 5)
    return ProductRow(
        "t",
        number,
        slug,
        name,
        category,
        "",
        text,
        tags,
        attributes,
        {},
        "",
        popularity,
        None,
        True,
        (variant,),
    )


def found(shop: ShopUnderTest, query: str) -> list[str]:
    """The products that a search shows, in order, without what it recommends when it finds nothing."""
    text = shop.client().get(f"/search?q={query}").text
    return slugs(text.split("What others love")[0].split("<main")[1])


def test_words_find_by_their_stems_and_all_of_them_are_wanted(stocked: ShopUnderTest) -> None:
    """Singular finds plural; a second word narrows; a name counts for more than a description."""
    assert found(stocked, "lamp") == ["steel-lamp", "lamps"] or found(stocked, "lamp") == [
        "lamps",
        "steel-lamp",
    ]
    assert found(stocked, "steel+kettle") == ["steel-kettle"]
    assert found(stocked, "oak")[-1] == "steel-lamp", "the one that only mentions it comes last"


@pytest.mark.parametrize(
    ("typed", "meant", "hit"),
    [
        ("ketle", "kettle", "red-kettle"),
        ("kettel", "kettle", "red-kettle"),
        ("enmael+kettle", "enamel kettle", "red-kettle"),
        ("chpping", "chopping", "oak-board"),
    ],
)
def test_a_typing_error_is_forgiven_and_said(
    stocked: ShopUnderTest, typed: str, meant: str, hit: str
) -> None:
    """The page shows what was meant and says so."""
    page = stocked.client().get(f"/search?q={typed}").text
    assert f"this is what we found for “{meant}”" in page
    assert hit in found(stocked, typed)


def test_the_beginning_of_a_word_finds_it(stocked: ShopUnderTest) -> None:
    """Somebody who stops typing early is not corrected."""
    assert set(found(stocked, "kett")) == {"steel-kettle", "red-kettle"}
    assert "this is what we found" not in stocked.client().get("/search?q=kett").text


def test_a_search_for_nothing_helps(stocked: ShopUnderTest) -> None:
    """No hit, no word and only stop words: shelves and favourites instead of an empty page or the whole shop."""
    for query in ("xylophone", "", "the", "%27%3B--", "%00", "a" * 500, "🫖"):
        page = stocked.client().get(f"/search?q={query}")
        assert page.status_code == 200
        assert found(stocked, query) == []
        assert "What others love" in page.text


@pytest.mark.parametrize("typed", ["o", "ke", "KE", "zz", "", "steel ke", "%", "ke:*", "\x00ke"])
def test_suggestions_are_words_of_this_catalogue(stocked: ShopUnderTest, typed: str) -> None:
    """Two letters are enough; words typed before stay; nonsense suggests nothing."""
    answer = stocked.client().get("/search/suggest", query_string={"q": typed})
    assert answer.status_code == 200
    assert answer.json is not None
    words = answer.json["words"]
    expected = {"ke": ["kettle"], "KE": ["kettle"], "steel ke": ["steel kettle"], "\x00ke": ["kettle"]}
    assert words == expected.get(typed, [])


def test_filters_narrow_and_count_truly(stocked: ShopUnderTest) -> None:
    """Values of one facet widen, facets narrow; a count is what choosing it would show."""
    browser = stocked.client()
    assert slugs(browser.get("/shop?material=Oak").text) == ["oak-board", "oak-bench"]
    assert set(slugs(browser.get("/shop?material=Oak&material=Glass").text)) == {
        "oak-board",
        "oak-bench",
        "lamps",
    }
    page = browser.get("/shop?material=Steel&sort=price").text
    assert slugs(page) == ["steel-kettle", "steel-lamp"]
    for value, count in counts(page, "material").items():
        assert len(slugs(browser.get(f"/shop?material={value}").text)) == count
    for value, count in counts(page, "colour").items():
        assert len(slugs(browser.get(f"/shop?material=Steel&colour={value}").text)) == count
    assert slugs(browser.get("/shop?price-from=100&price-to=200&sort=price").text) == ["steel-lamp", "lamps"]
    assert slugs(browser.get("/shop?price-from=200&price-to=100&sort=price").text) == ["steel-lamp", "lamps"]
    assert "Nothing fits all of that" in browser.get("/shop?material=Oak&colour=Ink").text
    assert "Nothing fits all of that" in browser.get("/shop?material=%27+OR+1").text


def counts(page: str, parameter: str) -> dict[str, int]:
    """The values of a facet on a page with their counts."""
    pattern = rf'name="{parameter}" value="([^"]+)"[^>]*><span>[^<]*</span> <span class="muted small">(\d+)'
    return {value: int(count) for value, count in re.findall(pattern, page)}


def test_paging_keeps_the_criteria(shop: ShopUnderTest) -> None:
    """The next page's address says everything that this one's did."""
    _fill_with_many(shop)
    text = shop.client().get("/shop?material=Steel&material=Oak&sort=price").text
    link = re.search(r'rel="next" href="([^"]+)"', text)
    assert link
    assert "material=Oak&amp;material=Steel&amp;sort=price&amp;after=" in link[1]


CRITERIA = (
    "", "material=Oak", "material=Oak&material=Steel", "material=Oak&colour=Red", "made-in=Wales&price-from=20",
    "q=lamp", "q=lamp&material=Oak", "q=lamp+small", "price-to=25", "q=nothing",
)  # fmt: skip


def test_both_ways_to_a_page_find_the_same(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walking along an index and picking from indexes are two roads to one list: every page, in every order, there and back."""
    _fill_with_many(shop)
    browser = shop.client()
    for sort in ("popular", "price", "price-down", "new"):
        for query in CRITERIA:
            path = f"{'/search' if 'q=' in query else '/shop'}?{query}&sort={sort}"
            monkeypatch.setattr(finding, "COMMON_HITS", 0)
            walked = _all_pages(browser, path)
            monkeypatch.setattr(finding, "COMMON_HITS", 10**9)
            picked = _all_pages(browser, path)
            assert walked == picked, path
            flat = [slug for page in walked for slug in page]
            assert len(flat) == len(set(flat))


def test_the_popular_part_gives_the_same_pages(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranking only a popular tier of the hits, and the rest once it is used up, shows what ranking all of them shows."""
    _fill_with_many(shop)
    with shop.engine.begin() as connection:
        connection.execute(text("ANALYZE products"))
    browser = shop.client()
    browser.set_cookie("seen", "1")  # Its pages are drawn anew each time.
    every = _all_pages(browser, "/search?q=lamp")
    chosen: list[str | None] = []
    tier_for = tiers.tier_for

    def noting(hits: float, candidates: int) -> str | None:
        chosen.append(tier_for(hits, candidates))
        return chosen[-1]

    monkeypatch.setattr(finding, "COUNT_LIMIT", 10)
    monkeypatch.setattr(finding, "CANDIDATES", (12, 20))
    monkeypatch.setattr(finding, "PAGE_SIZE", 8)
    monkeypatch.setattr(finding, "tier_for", noting)
    monkeypatch.setattr(finding, "cut", lambda rows, column, cursor: paging.cut(rows, column, cursor, 8))
    popular = _all_pages(browser, "/search?q=lamp")
    assert [slug for page in popular for slug in page] == [slug for page in every for slug in page]
    assert chosen[0] is not None
    assert len(set(chosen[:2])) == 2, "two parts, the second larger"


def test_a_word_that_the_language_leaves_out_finds_nothing_in_a_tier(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tier alone is no search."""
    _fill_with_many(shop)
    monkeypatch.setattr(finding, "COUNT_LIMIT", -1)
    monkeypatch.setattr(finding, "tier_for", lambda hits, candidates: "~0")
    assert found(shop, "the") == []
    assert "Very many items" in shop.client().get("/search?q=lamp").text


def _fill_with_many(shop: ShopUnderTest) -> None:
    products = []
    for n in range(90):
        attributes = {"Material": [("Oak", "Steel", "Glass")[n % 3]], "Made in": [("Wales", "Italy")[n % 2]]}
        if n % 4 == 0:
            attributes["Colour"] = ["Red"]
        name = f"{'Small ' if n % 5 == 0 else ''}{'Lamp' if n % 2 else 'Chair'} {n}"
        products.append(
            _product(n, f"thing-{n}", name, "kitchen", attributes, 1000 + 300 * (n % 7), "", n % 6)
        )
    with shop.app.app_context():
        import_sheets(db.session(), Sheets(products=products))
        db.session.commit()
        db.session.remove()


def _all_pages(browser, path: str) -> list[list[str]]:  # type: ignore[no-untyped-def]
    pages: list[list[str]] = []
    base, at = path.split("?")[0], path
    while at:
        text = browser.get(at).text.split("What others love")[0]
        pages.append(slugs(text))
        link = re.search(r'rel="next" href="([^"]+)"', text)
        at = base + link[1].replace("&amp;", "&") if link else ""
    return pages
