"""The hands of a member of staff: the console used by the words on its pages, as a person uses it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from orders.domain.ids import OrderId, Sku
from webapp.console.people.cli import DEMO_PASSWORD, DEMO_STAFF
from webapp.console.permissions import Role

PATIENCE_MS = 120_000
"""A worker takes a job within seconds; a busy machine may need much longer."""


@dataclass(frozen=True)
class Clerk:
    """One person at the console."""

    page: Page

    def sign_in(self, role: Role) -> None:
        """With the password of the laptop's staff."""
        email = next(email for email, (_, held) in DEMO_STAFF.items() if held is role)
        self.page.goto("/console/sign-in")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(DEMO_PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(re.compile(r"/console/(?!sign-in)"))

    def open(self, order_id: OrderId) -> None:
        """The page of one order."""
        self.page.goto(f"/console/orders/{order_id}")

    def begin(self, action: str) -> None:
        """Choose an action of the order's page."""
        self.page.get_by_role("group", name="Actions").get_by_role("link", name=action, exact=True).click()

    def look_and_do(self, action: str) -> list[str]:
        """Fill nothing more: look at what happens, then do it. Returns what the preview said."""
        look = self.page.get_by_role("button", name="Look at what happens")
        do = self.page.get_by_role("button", name=action, exact=True)
        # The page may still be on its way: wait for whichever of the two it has.
        look.or_(do).first.wait_for()
        if look.count():
            look.click()
            do.wait_for()
        effects = self.page.locator(".effects li").all_inner_texts()
        do.click()
        self.page.get_by_role("status").filter(has_text=f"{action}: done.").wait_for()
        return [" ".join(effect.split()) for effect in effects]

    def fill(self, fields: Mapping[str, str]) -> None:
        """Fields by their names on the page."""
        for label, value in fields.items():
            self.page.get_by_label(label, exact=True).fill(value)

    def state(self) -> str:
        """What the head of the order's page says."""
        return self.page.locator(".order-head").inner_text()

    def wait_for_state(self, order_id: OrderId, words: str) -> None:
        """Look again until the order's head says these words: the worker is at it."""
        self.open(order_id)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while words not in (head := self.state()):
            assert time.monotonic() < deadline, f"waited for {words!r}; the head says {head!r}"
            self.page.wait_for_timeout(500)
            self.page.reload()

    def pack(self, order_id: OrderId, pieces: Mapping[Sku, int]) -> str:
        """Scan every piece, have a label made, ship the parcel. Returns its tracking number."""
        self.page.goto(f"/console/orders/{order_id}/pack")
        for sku, count in pieces.items():
            for _ in range(count):
                self.page.get_by_label("Scan or type a SKU").fill(sku)
                self.page.keyboard.press("Enter")
        self.page.get_by_role("button", name="Make a label: Cartwright Post").click()
        self.page.get_by_role("status").filter(has_text="is ready to print").wait_for()
        number = self.page.get_by_label("Tracking number").input_value()
        assert self.pdf(self.page.get_by_role("link", name="Print the label")).startswith(b"%PDF")
        self.page.get_by_role("button", name="Ship this parcel").click()
        self.look_and_do("Ship")
        return number

    def pdf(self, link: Locator) -> bytes:
        """What a link to a paper leads to."""
        answer = self.page.request.get(link.get_attribute("href") or "")
        assert answer.ok, answer.status
        return answer.body()
