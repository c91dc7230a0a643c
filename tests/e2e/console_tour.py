"""A walk past every page of the console, in a shop where something is going on: for looking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from playwright.sync_api import Browser, Page
from sqlalchemy import text

from local.seed import NORTH
from orders.domain.ids import OrderId, Sku
from tests.e2e.arriving import arrive, is_quiet, well_stocked
from tests.e2e.clerk import PATIENCE_MS, Clerk
from tests.e2e.conftest import RunningShop, until
from webapp.console.people.cli import DEMO_PASSWORD, DEMO_STAFF
from webapp.console.permissions import Role

NAMES = (
    "Ada Lovelace",
    "Björn Åkesson",
    "Chiara Bianchi-Ferrari",
    "Dmitri Łukasiewicz",
    "Eve Nguyễn",
    "Zoë O’Brien",
)
FAR = Sku("CW-RUG-140")
"""What the demo shop has in its second warehouse only."""
ASKED = ("hold", "hold_lines", "ship", "refund", "address", "cancel", "note")
_PAST_DAYS = """
    INSERT INTO sales_days (day, currency, orders, revenue_minor, ended_early, shipped, delivered, counted_at)
    SELECT current_date - n, 'EUR', 30 + (n * 37) % 23, (30 + (n * 37) % 23) * (4100 + (n * 91) % 700), n % 4,
           28 + (n * 37) % 20, 25 + (n * 37) % 17, now()
    FROM generate_series(1, 190) n ON CONFLICT DO NOTHING
"""
_FAILED = """
    INSERT INTO quarantine (id, queue, job, order_id, body, error, traceback, attempts, release, failed_at)
    VALUES (:id, 'high', 'settle_payment', :order, :body,
            'Unavailable: the provider did not answer within 5 s', :traceback, 5, '2026.11.2', now() - interval '3 hours')
"""
_LATE = "UPDATE orders SET updated_at = updated_at - interval '2 days' WHERE id = ANY(:orders)"


@dataclass(frozen=True, slots=True)
class Furnished:
    """The orders that the walk looks at, each in a state of its own."""

    email: str
    skus: list[Sku]
    fresh: OrderId
    held: OrderId
    picking: OrderId
    parted: OrderId
    returned: OrderId
    cancelled: OrderId
    spread: OrderId
    bulk_job: str


def furnish(shop: RunningShop, browser: Browser) -> Furnished:
    """A morning's orders, some of them in trouble, brought about in the console as staff would."""
    email = f"tour-{uuid4().hex[:8]}@example.com"
    skus = well_stocked(shop, 4, 12)
    baskets = [{skus[n % 4]: 1 + n % 2, skus[(n + 1) % 4]: 1} for n in range(12)]
    orders = [arrive(shop, email, basket, name=NAMES[n % 6]) for n, basket in enumerate(baskets)]
    # Goods of which there are none in the main warehouse: the order that has them, too, leaves in two parcels.
    shop.inventory.restock(FAR, 1, f"tour:{email}", NORTH.code)
    orders.append(arrive(shop, email, {FAR: 1, skus[0]: 1}, name=NAMES[0]))
    until(lambda: is_quiet(shop, email, len(orders)), "the morning's orders on record", 180)
    with browser.new_context(base_url=shop.url, viewport={"width": 1440, "height": 900}) as context:
        context.set_default_timeout(PATIENCE_MS)
        clerk = Clerk(context.new_page())
        clerk.sign_in(Role.ADMIN)
        job = _work(clerk, orders, list(baskets[3]), email)
    with shop.engine.begin() as connection:
        connection.execute(text(_PAST_DAYS))
        failed = {
            "id": f"tour-{uuid4().hex}",
            "order": orders[0],
            "body": f'{{"job": "settle_payment", "payload": {{"order_id": "{orders[0]}"}}, "schema_version": 1}}',
            "traceback": "Traceback (most recent call last):\n  …\norders.domain.errors.Unavailable: no answer within 5 s",
        }
        connection.execute(text(_FAILED), failed)
        connection.execute(text(_LATE), {"orders": [orders[1], orders[2], orders[3]]})
    return Furnished(email, skus, *orders[:6], orders[-1], job)


def _work(clerk: Clerk, orders: list[OrderId], skus: list[Sku], email: str) -> str:
    """One order each: held, in picking, in two parcels, sent back, cancelled; then a bulk job. Returns its address."""
    page = clerk.page
    _, held, picking, parted, returned, cancelled, *_ = orders
    clerk.open(held)
    clerk.begin("Hold")
    clerk.fill({"What has to be cleared up?": "two cards, one address"})
    clerk.look_and_do("Hold")
    for order_id in (picking, parted, returned):
        clerk.open(order_id)
        clerk.begin("Start picking")
        clerk.look_and_do("Start picking")
    clerk.pack(parted, {skus[0]: 1})
    clerk.open(returned)
    clerk.begin("Ship")
    clerk.look_and_do("Ship")
    clerk.begin("Mark delivered")
    clerk.look_and_do("Mark delivered")
    clerk.begin("Register a return")
    page.locator("input[name^='return:']").first.fill("1")
    clerk.fill({"What the shopper says": "the handle came off on the first day"})
    clerk.look_and_do("Register a return")
    clerk.open(cancelled)
    clerk.begin("Cancel order")
    clerk.fill({"Reason": "ordered twice by mistake"})
    clerk.look_and_do("Cancel order")
    page.goto(f"/console/orders?q={email}&sort=placed")
    page.get_by_label("the whole result").check()
    page.locator("select[name=action]").select_option(label="start picking")
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_role("button", name=re.compile("^Start picking")).click()
    page.get_by_text("Finished").wait_for()
    job = page.url
    page.goto("/console/doctor")
    page.get_by_role("button", name="Examine now").click()
    page.locator("tbody .chip").filter(has_text="succeeded").first.wait_for()
    return job


def console_tour(page: Page, shop: Furnished) -> Iterator[str]:
    """Yields the name of each page when it is on the screen. Needs a browser without cookies."""
    yield from _door(page)
    yield from _menu(page)
    yield from _lists(page, shop)
    yield from _orders(page, shop)
    yield from _actions(page, shop)
    yield from _workshop(page, shop)
    yield from _stock(page, shop)
    yield from _house(page)
    yield from _refusals(page)


def _door(page: Page) -> Iterator[str]:
    page.goto("/console/sign-in")
    yield "sign-in"
    page.get_by_label("E-mail").fill("nobody@cartwright.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").first.wait_for()
    yield "sign-in-refused"
    page.goto("/console/invitation/no-such-letter")
    yield "invitation-gone"
    _sign_in(page, Role.ADMIN)


def _sign_in(page: Page, role: Role) -> None:
    Clerk(page).sign_in(role)


def _menu(page: Page) -> Iterator[str]:
    """Every page of the menu, as it stands there."""
    links = page.locator("nav a[href^='/console']").evaluate_all("all => all.map(a => a.pathname)")
    for path in dict.fromkeys(links):
        page.goto(path)
        yield "menu" + path.removeprefix("/console").rstrip("/").replace("/", "-")
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    yield "keys"
    page.keyboard.press("Escape")


def _lists(page: Page, shop: Furnished) -> Iterator[str]:
    page.goto("/console/dashboard?days=90")
    page.get_by_text("The numbers behind the charts").click()
    yield "dashboard-90-days"
    page.goto(f"/console/orders?q={shop.email}&status=confirmed&payment=captured&min=1&country=DE")
    yield "orders-filtered"
    page.get_by_text("Columns and views").click()
    yield "orders-columns"
    page.goto(f"/console/orders?q={shop.email}")
    page.get_by_label("the whole result").check()
    yield "orders-whole-result"
    page.goto("/console/orders?q=xylophone+quartet")
    yield "orders-nothing"
    page.goto("/console/radar?stage=held")
    yield "radar-stage"
    page.goto(f"/console/customers?q={shop.email}")
    yield "customers-found"
    page.goto("/console/customers?q=xylophone+quartet")
    yield "customers-nothing"
    page.goto(f"/console/customers/{shop.email}")
    yield "customer"


def _orders(page: Page, shop: Furnished) -> Iterator[str]:
    for name in ("fresh", "held", "picking", "parted", "returned", "cancelled", "spread"):
        page.goto(f"/console/orders/{getattr(shop, name)}")
        page.get_by_text("Ledger", exact=True).click()
        yield f"order-{name}"


def _actions(page: Page, shop: Furnished) -> Iterator[str]:
    for action in ASKED:
        page.goto(f"/console/orders/{shop.parted if action == 'refund' else shop.picking}/{action}")
        yield f"act-{action}"
    page.goto(f"/console/orders/{shop.picking}/cancel")
    page.get_by_role("button", name="Look at what happens").click()
    page.get_by_role("alert").first.wait_for()
    yield "act-cancel-refused"
    page.get_by_label("Reason").fill("the shopper changed her mind")
    page.get_by_role("button", name="Look at what happens").click()
    page.locator(".effects").wait_for()
    yield "act-cancel-preview"
    page.goto(f"/console/orders/{shop.cancelled}/ship")
    yield "act-conflict"
    page.goto(f"/console/orders/{shop.returned}")
    page.get_by_role("link", name="Approve return").click()
    yield "act-approve"
    page.goto(f"/console/orders/{shop.picking}/pack")
    page.get_by_label("Scan or type a SKU").fill("no-such-thing")
    page.keyboard.press("Enter")
    yield "pack"
    page.goto(f"/console/orders/{shop.cancelled}/pack")
    yield "pack-nothing-left"
    page.goto(f"/console/orders/{shop.spread}/pack?warehouse={NORTH.code}")
    yield "pack-one-warehouse"


def _workshop(page: Page, shop: Furnished) -> Iterator[str]:
    page.goto(shop.bulk_job)
    yield "bulk-job"
    page.goto(f"{shop.bulk_job}?status=failed")
    yield "bulk-job-failed"
    for action in ("hold", "cancel", "print papers"):
        page.goto(f"/console/orders?q={shop.email}")
        page.get_by_label("the whole result").check()
        page.locator("select[name=action]").select_option(label=action)
        page.get_by_role("button", name="Look at it first").click()
        page.get_by_role("button", name="Leave it").or_(page.get_by_role("link", name="Leave it")).wait_for()
        yield f"bulk-preview-{action.partition(' ')[0]}"
    picked = (shop.picking, shop.parted, shop.spread)
    page.goto(f"/console/picking/list?{'&'.join(f'order={one}' for one in picked)}")
    yield "pick-list"
    page.goto("/console/quarantine")
    page.get_by_role("link", name="settle payment").first.click()
    yield "quarantined"
    page.goto("/console/quarantine?resolved=1")
    yield "quarantine-resolved"
    page.goto("/console/tracking-import")
    _choose(page, "tracking.csv", "order,carrier,tracking_number\nCW-NONE,dhl,JD01\n")
    yield "tracking-import-dry-run"


def _choose(page: Page, name: str, content: str) -> None:
    """A CSV file from the desk, and its dry run."""
    page.get_by_label("File").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("A dry run").wait_for()


def _stock(page: Page, shop: Furnished) -> Iterator[str]:
    sku = shop.skus[0]
    for name, path in {
        "stock-low": "stock?low=1",
        "stock-found": f"stock?q={sku}",
        "stock-nothing": "stock?q=xylophone",
        "stock-item": f"stock/{sku}",
        "stock-one-warehouse": f"stock?warehouse={NORTH.code}",
        "stock-item-far": f"stock/{FAR}",
        "reservations-of-sku": f"stock-reservations?sku={sku}",
        "reservations-none": "stock-reservations?sku=NONE",
    }.items():
        page.goto(f"/console/{path}")
        yield name
    page.goto("/console/stock-import")
    rows = f"{sku},,5,\nNO-SUCH,,1,\n{shop.skus[1]},,,-99999\n{FAR},{NORTH.code},2,\n"
    _choose(page, "stock.csv", f"sku,warehouse,restock,adjust\n{rows}")
    yield "stock-import-dry-run"


def _house(page: Page) -> Iterator[str]:
    page.goto("/console/people")
    page.get_by_role("link", name="Mara Manager").click()
    yield "person"
    page.goto("/console/people")
    page.get_by_label("E-mail").fill(f"new-{uuid4().hex[:6]}@cartwright.example")
    page.get_by_role("button", name=re.compile("Invite|link")).first.click()
    page.get_by_role("status").first.wait_for()
    yield "people-invited"
    page.goto("/console/account")
    yield "account"
    page.goto("/console/account/second-factor")
    yield "second-factor"


def _refusals(page: Page) -> Iterator[str]:
    page.goto("/console/no-such-page")
    yield "not-found"
    page.context.clear_cookies()
    page.goto("/console/sign-in")
    page.get_by_label("E-mail").fill(next(email for email, (_, r) in DEMO_STAFF.items() if r is Role.VIEWER))
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/console/(?!sign-in)"))
    yield "viewer-first-page"
    page.goto("/console/people")
    yield "forbidden"
