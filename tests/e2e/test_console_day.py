"""A day in the console, on the real processes: thirty orders come in, some of them in trouble; in the evening everything agrees."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from orders.adapters.payments.test_cards import TestToken
from orders.adapters.sqs import open_queue
from orders.domain.ids import OrderId, Sku, order_number
from tests.e2e.arriving import arrive, arrive_many, is_quiet, prices_of, well_stocked
from tests.e2e.clerk import PATIENCE_MS, Clerk
from tests.e2e.conftest import ROOT, RunningShop, until
from webapp.console.permissions import Role

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1200)]
PLAIN = 27
PIECES = 20
"""Of each of four SKUs: more than the day sells of one, whatever else was sold in this shop before."""
_MINE = "FROM ledger_entries e JOIN orders o ON o.id = e.order_id WHERE o.email = :email"
_UNBALANCED = f"SELECT count(*) FROM (SELECT 1 {_MINE} GROUP BY o.id HAVING sum(e.amount_minor) <> 0) wrong"  # noqa: S608
_OWED = f"SELECT count(*) FROM (SELECT 1 {_MINE} AND e.account = 'receivable' GROUP BY o.id HAVING sum(e.amount_minor) <> 0) owing"  # noqa: S608


@dataclass
class Day:
    """The shop of the day and its orders."""

    shop: RunningShop
    email: str = field(default_factory=lambda: f"day-{uuid.uuid4().hex[:8]}@example.com")
    skus: list[Sku] = field(default_factory=list)
    plain: list[OrderId] = field(default_factory=list)

    def scalar(self, query: str) -> int:
        """One number about the day's orders."""
        with self.shop.engine.connect() as connection:
            return int(connection.scalar(text(query), {"email": self.email}) or 0)

    def settle(self, count: int = 30) -> None:
        """Wait until the day's orders are on record and nothing is on its way."""
        until(lambda: is_quiet(self.shop, self.email, count), f"{count} orders in the book, all told", 240)

    def worker(self, *arguments: str) -> None:
        """The worker's own command line."""
        environment = json.loads((self.shop.home / "run.json").read_text())["environment"]
        subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            check=True,
            timeout=180,
        )


@pytest.fixture
def day(shop: RunningShop) -> Day:
    """Shelves with enough on them for a day."""
    return Day(shop, skus=well_stocked(shop, 4, PIECES))


@pytest.fixture
def clerk(browser: Browser, shop: RunningShop) -> Iterator[Clerk]:
    """A manager at a desk; a script error or a refused resource on any page fails the test."""
    with browser.new_context(base_url=shop.url, viewport={"width": 1440, "height": 900}) as context:
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
        clerk = Clerk(page)
        clerk.sign_in(Role.MANAGER)
        yield clerk
        assert errors == []


def test_a_day_ends_with_everything_in_agreement(day: Day, clerk: Clerk) -> None:
    """Held, short of stock, unpayable, stuck, returned: each is found and mended in the console, and the books close."""
    dear, short, unpayable = _the_morning(day, clerk)
    _an_unpayable_order_is_cancelled(clerk, unpayable)
    _a_risky_order_is_looked_at_released_and_gets_stuck(day, clerk, dear)
    _the_stuck_one_is_found_and_repaired(day, clerk, dear)
    parcels = _an_order_that_is_short_goes_in_two_parcels(day, clerk, short)
    _one_line_is_paid_back(day, clerk, short)
    _the_parcels_arrive_and_one_piece_comes_back(day, clerk, short, parcels)
    _the_rest_is_printed_and_shipped_in_bulk(day, clerk)
    _the_books_are_closed(day, clerk)


def _the_morning(day: Day, clerk: Clerk) -> tuple[OrderId, OrderId, OrderId]:
    """A rule is turned on, then thirty orders come in."""
    limit = 3 * max(prices_of(day.shop, day.skus).values())
    _set_the_rule_of_dear_orders(clerk.page, f"{limit / 100:.2f}", is_on=True)
    a, b, c, d = day.skus
    # Four of each of four: more than three times the dearest of them.
    dear = arrive(day.shop, day.email, dict.fromkeys(day.skus, 4), name="Dora Dear")
    short = arrive(day.shop, day.email, {a: 2, b: 1}, name="Sam Short")
    unpayable = arrive(day.shop, day.email, {c: 1}, token=TestToken.CAPTURE_FAILS, name="Uma Unpayable")
    day.plain = arrive_many(day.shop, day.email, [{(a, b, c, d)[n % 4]: 1} for n in range(PLAIN)])
    day.settle()
    assert day.scalar("SELECT count(*) FROM orders WHERE email = :email AND is_held") == 2
    clerk.page.goto(f"/console/orders?q={day.email}")
    expect(clerk.page.locator("[data-row]")).to_have_count(30)
    return dear, short, unpayable


def _set_the_rule_of_dear_orders(page: Page, limit: str, *, is_on: bool) -> None:
    page.goto("/console/risk")
    rule = page.locator("section.card").filter(has=page.get_by_role("heading", name="Dear order"))
    rule.get_by_label("Limit (EUR)").fill(limit)
    rule.get_by_label("the rule is on").set_checked(is_on)
    rule.get_by_role("button", name="Save “Dear order”").click()
    page.get_by_role("status").filter(has_text=f"is {'on' if is_on else 'off'}").wait_for()


def _an_unpayable_order_is_cancelled(clerk: Clerk, unpayable: OrderId) -> None:
    """The money could not be taken: the order holds itself, says so, and ends without owing anything."""
    clerk.open(unpayable)
    assert "on hold: payment" in clerk.state()
    clerk.begin("Cancel order")
    clerk.fill({"Reason": "the bank refused to pay out"})
    effects = clerk.look_and_do("Cancel order")
    assert any("held on the card are let go" in effect for effect in effects)
    clerk.wait_for_state(unpayable, "voided")


def _a_risky_order_is_looked_at_released_and_gets_stuck(day: Day, clerk: Clerk, dear: OrderId) -> None:
    """Its page says which rule held it and why. Then its payment's message is lost, as no queue should but one day does."""
    page = clerk.page
    page.goto(f"/console/orders?hold=held&q={day.email}")
    page.get_by_role("link", name=order_number(dear)).click()
    expect(page.get_by_role("region", name="Risk")).to_contain_text("or more")
    # It comes back when the worker has put the queue down: no message of it is taken from here on.
    day.worker("pause", "orders")
    clerk.begin("Release")
    clerk.fill({"Reason": "spoke to the shopper"})
    effects = clerk.look_and_do("Release")
    assert any("are taken from the card" in effect for effect in effects)
    queue = open_queue(day.shop.settings, "orders")
    # The worker had fetched nothing of a paused queue: what it hands back is lost here instead of done.
    lost = until(
        lambda: [one for one in queue.receive(10) if dear in one.body],
        "the message of the payment",
        PATIENCE_MS / 1000,
    )
    queue.delete_many([message.handle for message in lost])
    day.worker("resume", "orders")
    day.settle()
    clerk.open(dear)
    assert "confirmed" in clerk.state()
    assert "authorised" in clerk.state()


def _the_stuck_one_is_found_and_repaired(day: Day, clerk: Clerk, dear: OrderId) -> None:
    """Two hours later (the clock of its row is turned back) the radar has it, with the way out: have the money taken."""
    with day.shop.engine.begin() as connection:
        connection.execute(
            text("UPDATE orders SET updated_at = updated_at - interval '2 hours' WHERE id = :id"),
            {"id": dear},
        )
    page = clerk.page
    page.goto("/console/radar?stage=uncaptured")
    late = page.locator("[data-row]").filter(has_text=order_number(dear))
    expect(late).to_contain_text("Last: order confirmed by manager")
    late.get_by_role("link", name="Take the money").click()
    clerk.fill({"Reason": "the message was lost"})
    effects = clerk.look_and_do("Take the money")
    assert any("are taken from the card" in effect for effect in effects)
    clerk.wait_for_state(dear, "captured")
    page.goto("/console/radar?stage=uncaptured")
    expect(page.locator("[data-row]").filter(has_text=order_number(dear))).to_have_count(0)


def _an_order_that_is_short_goes_in_two_parcels(day: Day, clerk: Clerk, short: OrderId) -> list[str]:
    """One line is not on the shelf: it waits, the other goes; a delivery comes, and the rest follows."""
    here, missing = day.skus[0], day.skus[1]
    page = clerk.page
    clerk.open(short)
    clerk.begin("Start picking")
    clerk.look_and_do("Start picking")
    clerk.begin("Hold lines")
    page.locator(f"input[name=line][value='{missing}']").check()
    page.get_by_label("Kind").select_option("stock")
    clerk.fill({"What is it waiting for?": "the shelf is empty; a delivery is due"})
    clerk.look_and_do("Hold lines")
    expect(page.get_by_text("on hold: stock")).to_be_visible()
    first = clerk.pack(short, {here: 2})
    assert "partly shipped" in clerk.state()
    assert clerk.pdf(page.get_by_role("link", name="Slip").first).startswith(b"%PDF")
    assert clerk.pdf(page.get_by_role("link", name="Invoice")).startswith(b"%PDF")
    page.goto(f"/console/stock/{missing}")
    page.get_by_role("radio").first.check()
    page.get_by_label("Pieces", exact=True).fill("10")
    page.get_by_label("Reason", exact=True).select_option("supplier")
    page.get_by_role("button", name="Book it").click()
    page.get_by_role("status").filter(has_text="10 pieces more").wait_for()
    clerk.open(short)
    page.get_by_role("link", name="Release the line").click()
    clerk.look_and_do("Release the line")
    second = clerk.pack(short, {missing: 1})
    assert "partly" not in clerk.state()
    assert "shipped" in clerk.state()
    return [first, second]


def _one_line_is_paid_back(day: Day, clerk: Clerk, short: OrderId) -> None:
    """One piece was scratched: it is paid back and kept."""
    here = day.skus[0]
    price = prices_of(day.shop, [here])[here]
    clerk.open(short)
    clerk.begin("Refund")
    clerk.page.locator(f"input[name='refund:{here}']").fill("1")
    clerk.fill({"Reason": "arrived with a scratch"})
    effects = clerk.look_and_do("Refund")
    assert any(f"€{price / 100:,.2f} are paid back" in effect for effect in effects)
    clerk.wait_for_state(short, "partly refunded")


def _the_parcels_arrive_and_one_piece_comes_back(
    day: Day, clerk: Clerk, short: OrderId, parcels: list[str]
) -> None:
    """The carrier's signed messages complete the order; a return goes its whole way, the piece is for sale again."""
    page, back = clerk.page, day.skus[1]
    for number in parcels:
        page.goto(f"/post/{number}")
        page.get_by_role("button", name="I am the courier: hand it over").click()
        page.get_by_role("heading", name="Delivered").wait_for()
    clerk.wait_for_state(short, "delivered")
    clerk.begin("Register a return")
    page.locator(f"input[name='return:{back}']").fill("1")
    clerk.look_and_do("Register a return")
    page.get_by_role("link", name="Approve return").click()
    clerk.look_and_do("Approve return")
    before = day.shop.inventory.levels([back])[back]
    page.get_by_role("link", name="Receive return").click()
    effects = clerk.look_and_do("Receive return")
    assert any("go back on the shelf" in effect for effect in effects)
    until(
        lambda: day.shop.inventory.levels([back])[back].available == before.available + 1,
        "the piece on the shelf",
        PATIENCE_MS / 1000,
    )


def _the_rest_is_printed_and_shipped_in_bulk(day: Day, clerk: Clerk) -> None:
    """The whole result of a search, its papers in one file, then shipped: by the worker, each with its result."""
    page = clerk.page
    rest = f"/console/orders?q={day.email}&status=confirmed&fulfilment=unfulfilled"
    for action, button in (
        ("print papers", "Print papers: 28"),
        ("ship all that is left", "Ship all that is left: 28"),
    ):
        page.goto(rest)
        page.get_by_label("the whole result").check()
        page.locator("select[name=action]").select_option(label=action)
        page.get_by_role("button", name="Look at it first").click()
        page.get_by_role("button", name=button).click()
        done = page.locator("dl.facts div").filter(has_text="Done").locator("dd")
        expect(done).to_have_text("28", timeout=PATIENCE_MS)
        if action == "print papers":
            assert clerk.pdf(page.get_by_role("link", name=re.compile("^Papers"))).startswith(b"%PDF")
    shipped = "SELECT count(*) FROM shipments s JOIN orders o ON o.id = s.order_id WHERE o.email = :email"
    # The order that went in two parcels has two, the cancelled one none.
    assert day.scalar(shipped) == 28 + 2


def _the_books_are_closed(day: Day, clerk: Clerk) -> None:
    """Every ledger balances, every piece is accounted for, every shopper was told once, and the doctor finds nothing."""
    page = clerk.page
    _set_the_rule_of_dear_orders(page, "1000.00", is_on=False)
    day.settle()
    # Each posting's entries cancel each other out, and nobody owes anything: what was taken and not paid back is what
    # the shoppers keep.
    assert day.scalar(_UNBALANCED) == 0
    assert day.scalar(_OWED) == 0
    for level in day.shop.inventory.levels(day.skus).values():
        assert level.is_conserved, level
    assert day.scalar("SELECT count(*) FROM quarantine WHERE resolved_at IS NULL") == 0
    until(lambda: len(_told_of_leaving(day)) >= PLAIN + 1, "the news of every parcel that left", 240)
    told = _told_of_leaving(day)
    assert len(told) == len(set(told)), "somebody was told twice"
    page.goto("/console/doctor")
    page.get_by_role("button", name="Examine now").click()
    expect(page.locator("tbody .chip.is-good").filter(has_text="succeeded").first).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.locator(".chip").filter(has_text=re.compile("wrong$"))).to_have_count(0)
    page.goto("/console/audit")
    expect(page.get_by_text("the message was lost")).to_be_visible()


def _told_of_leaving(day: Day) -> list[str]:
    """The subjects of the e-mails that said that an order, or a part of it, is on its way."""
    mails = day.shop.mails(to=day.email, channel="email")
    return [one["subject"] for one in mails if one["subject"].endswith("is on its way")]
