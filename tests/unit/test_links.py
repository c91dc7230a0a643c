"""Links lead to the shop in a locale's language, and a token opens the same order in every one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orders import links
from orders.settings import Settings
from tests.order_event_samples import ORDER_ID

SETTINGS = Settings(public_url="https://shop.example")


@pytest.mark.parametrize(
    ("languages", "locale", "url"),
    [
        ("en,de", "en", "https://shop.example"),
        ("en,de", "de", "https://shop.example/de"),
        ("en,de", "de-AT", "https://shop.example/de"),
        ("en,de", "fr", "https://shop.example"),
        ("en,de", "", "https://shop.example"),
        ("de,en", "de", "https://shop.example"),
        ("de,en", "en-GB", "https://shop.example/en"),
        ("en", "de", "https://shop.example"),
    ],
)
def test_the_shops_first_language_has_no_prefix(languages: str, locale: str, url: str) -> None:
    """A language that is not on offer has no pages: the first one's are shown."""
    settings = replace(SETTINGS, languages=languages)
    assert links.shop_url(settings, locale) == url
    order_url = links.order_url(ORDER_ID, settings, locale)
    assert order_url.startswith(f"{url}/orders/")
    assert links.read(order_url.rpartition("/")[2], links.keys_of(settings)) == ORDER_ID
    assert links.unsubscribe_url(ORDER_ID, settings, locale).startswith(f"{url}/unsubscribe/")
