"""The steps of a purchase in the German shop, by the words on the page."""

from __future__ import annotations

import re

from playwright.sync_api import Page


def put_in_cart(page: Page, slug: str) -> None:
    """Open a product and add it."""
    page.goto(f"/de/products/{slug}")
    page.get_by_role("button", name="In den Warenkorb").click()
    page.get_by_text("liegt in Ihrem Warenkorb").wait_for()


def to_checkout(page: Page) -> None:
    """From the cart to the first step."""
    page.goto("/de/cart")
    page.get_by_role("link", name="Zur Kasse").click()


def fill_details(page: Page, email: str) -> None:
    """Step 1."""
    page.get_by_label("E-Mail").fill(email)
    page.get_by_label("Vor- und Nachname").first.fill("Ada Lovelace")
    page.get_by_label("Straße und Hausnummer").first.fill("Werkstr. 12")
    page.get_by_label("Postleitzahl").first.fill("10115")
    page.get_by_label("Ort", exact=True).first.fill("Berlin")
    page.get_by_label("Land", exact=True).first.select_option(label="Deutschland")
    go_on(page, "Weiter zum Versand")
    page.get_by_role("heading", name="Wie soll es ankommen?").wait_for()


def enter_card(page: Page, number: str) -> None:
    """Step 3, up to the last look."""
    page.get_by_label("Kartennummer").fill(number)
    page.get_by_label("Gültig bis").fill("12 / 29")
    page.get_by_label("Prüfnummer").fill("123")
    go_on(page, "Weiter zum letzten Blick")
    page.get_by_role("heading", name="Ein letzter Blick").wait_for()


def go_on(page: Page, label: str) -> None:
    """Send a step's form."""
    page.get_by_role("button", name=label).click()


def place(page: Page) -> None:
    """The click that costs money."""
    page.get_by_role("button", name=re.compile("^Zahlungspflichtig bestellen")).click()
