"""What one shopper does: looks around, searches, fills a cart, checks out, pays, and looks at the order."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from bench.load.browser import Browser, Form, Page
from bench.load.samples import Recorder

CARD = "4242 4242 4242 4242"
SOLD_OUT = "sold out"
TAKEN_BY_OTHERS, CART_HAS_CHANGED = "Part of your order cannot be had", "Something in your cart has changed"
"""What the shop tells a shopper who was too late: no fault, and pressing reload does not help."""
TURNED_AWAY = "turned away: 503 with Retry-After"
NOT_TAKEN, NO_ORDERS_NOW = "told that no orders are taken now", "We cannot take orders at this moment"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 2.0
CHECK_EVERY_SECONDS = 1.0
CHECKING_SECONDS = 30.0
_ORDER_LINK = re.compile(r"/orders/([^/?#]+)")


class StepFailed(Exception):
    """A step did not do what a shopper wanted; the text is the kind of error in the report."""


@dataclass(slots=True)
class Errand:
    """What a shopper came for: how many pages to look at, how many things to buy, whether to buy at all."""

    pages: int
    items: int
    buys: bool

    @classmethod
    def draw(cls, random: Random, buying_share: float, *, is_straight: bool = False) -> Errand:
        """A plausible errand; `buying_share` of all shoppers place an order.

        A straight one is the whole way of one order and nothing else: a product, cart, details, delivery, payment, place.
        """
        if is_straight:
            return cls(0, 1, True)
        return cls(random.randint(1, 4), random.choice((1, 1, 2, 3)), random.random() < buying_share)


@dataclass(slots=True)
class Shopper:
    """One shopper. `clock` tells the seconds since the start of the run; `due` is when the shopper arrived."""

    base_url: str
    recorder: Recorder
    random: Random
    clock: Callable[[], float]
    product_paths: list[str]
    number: int
    patience_seconds: float = 0.0
    """How long a step is tried again when the shop is broken, as people press reload; 0: not at all."""
    _page: Page = field(init=False)

    def run(self, due: float, errand: Errand) -> None:
        """Run an errand; every step is a sample, the first that fails ends the visit."""
        browser = Browser(self.base_url, visitor_address(self.number))
        started = due
        try:
            for step, action in self._steps(browser, errand):
                clicked = time.time()
                self._page = self._timed(step, started, action)
                started = self.clock()
                if step == "place":
                    self._note_order(self._page, due, clicked, started)
        except StepFailed:
            return
        finally:
            browser.close()

    def _steps(self, browser: Browser, errand: Errand) -> Iterator[tuple[str, Callable[[], Page]]]:
        """The steps of an errand; each answer is the page on which the next step acts, as in a browser."""
        if errand.pages:
            yield "home", lambda: browser.get("/")
        for path in self.random.choices(self.product_paths, k=errand.pages):
            yield "product", partial(browser.get, path)
        if not errand.buys:
            return
        for path in self.random.sample(self.product_paths, min(errand.items, len(self.product_paths))):
            yield "product", partial(browser.get, path)
            yield "add to cart", lambda: _add_to_cart(browser, self._page)
        for step, action in zip(CHECKOUT_STEPS, checkout_steps(browser, self.number), strict=True):
            yield step, lambda action=action: action(self._page)  # type: ignore[misc]
        placing = Placing(browser, self._page)
        yield "place", placing.go_on

    def _timed(self, step: str, due: float, action: Callable[[], Page]) -> Page:
        pause, retries = FIRST_PAUSE_SECONDS, 0
        failed_at = failed_last = None
        while True:
            page, error = _tried(action)
            if not error or self.clock() - due > self.patience_seconds or error == SOLD_OUT:
                break
            retries += 1
            failed_last = self.clock()
            failed_at = failed_last if failed_at is None else failed_at
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.recorder.add(step, due, self.clock() - due, error, retries, failed_at, failed_last)
        if page is None or error:
            raise StepFailed(error)
        return page

    def _note_order(self, page: Page, came: float, clicked: float, answered: float) -> None:
        if match := _ORDER_LINK.search(page.url):
            self.recorder.came[match[1]] = came
            self.recorder.clicked[match[1]] = clicked
            self.recorder.accepted[match[1]] = answered


def _tried(action: Callable[[], Page]) -> tuple[Page | None, str]:
    """What came of one try: a page, or the kind of error."""
    try:
        page = action()
    except StepFailed as failure:
        return None, str(failure)
    except (http.client.HTTPException, OSError, LookupError) as failure:
        return None, type(failure).__name__
    return page, _error(page)


def _error(page: Page) -> str:
    """Empty for a page that was answered as it should be."""
    if page.status == 503 and page.headers.get("retry-after", "").isdigit():
        return TURNED_AWAY
    return f"HTTP {page.status}" if page.status >= 400 else ""


@dataclass(slots=True)
class Placing:
    """The click on "place order" and what a person does until the order is there or refused."""

    browser: Browser
    review: Page
    is_clicked: bool = False

    def go_on(self) -> Page:
        """Click; when that went wrong before, look first where the order stands, and click only if it was not begun."""
        page = self.browser.get("/checkout/") if self.is_clicked else self.review
        self.is_clicked = True
        if "/checkout/review" in page.url and page.status < 400:
            page = self.browser.submit(page.form("/checkout/place"))
        waited_until = time.monotonic() + CHECKING_SECONDS
        while "/checkout/checking/" in page.url and time.monotonic() < waited_until:
            # The page does this by itself.
            time.sleep(CHECK_EVERY_SECONDS)
            page = self.browser.get(_path(page.url))
        if page.status < 400 and NO_ORDERS_NOW in page.text:
            raise StepFailed(NOT_TAKEN)
        if page.status < 400 and (TAKEN_BY_OTHERS in page.text or _is_cart_changed(page)):
            raise StepFailed(SOLD_OUT)
        if page.status < 400 and "/orders/" not in page.url:
            raise StepFailed(f"placing led to {_path(page.url)[:22]}")
        return page


CHECKOUT_STEPS = ("checkout", "address", "delivery", "payment")


def checkout_steps(browser: Browser, number: int) -> list[Callable[[Page], Page]]:
    """The steps from the cart to the review: each acts on the page that the one before led to."""
    return [
        lambda _page: _expect(browser.get("/checkout/details"), "/checkout/details"),
        lambda page: _address_step(browser, page, number),
        lambda page: _expect(browser.submit(_form_here(page)), "/checkout/payment"),
        lambda page: _payment(browser, page),
    ]


def visitor_address(number: int) -> str:
    """An address of the documentation range 198.18.0.0/15, so that each shopper has rate limits of its own."""
    return f"198.{18 + (number >> 16) % 2}.{number >> 8 & 255}.{number & 255}"


def _form_here(page: Page) -> Form:
    here = {page.url, _path(page.url)}
    for form in page.forms(here.__contains__):
        if form.method == "post" and "csrf_token" in form.fields:
            return form
    raise StepFailed(f"no form on {_path(page.url)}")


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def _add_to_cart(browser: Browser, page: Page) -> Page:
    try:
        form = page.form("/cart/lines")
    except LookupError as error:
        raise StepFailed(SOLD_OUT) from error
    return browser.submit(form, quantity="1")


def _address_step(browser: Browser, page: Page, number: int) -> Page:
    filled = {
        "email": f"shopper{number}@example.com",
        "shipping-name": f"Shopper {number}",
        "shipping-line1": "Lindenallee 7",
        "shipping-postal_code": "10115",
        "shipping-city": "Berlin",
        "shipping-country": "DE",
    }
    return _expect(browser.submit(_form_here(page), **filled), "/checkout/delivery")


def _payment(browser: Browser, page: Page) -> Page:
    filled = {"holder": "A Shopper", "number": CARD, "expiry": "12/39", "code": "123"}
    return _expect(browser.submit(_form_here(page), **filled), "/checkout/review")


def _is_cart_changed(page: Page) -> bool:
    return "/cart" in page.url and CART_HAS_CHANGED in page.text


def _expect(page: Page, path: str) -> Page:
    if page.status < 400 and _is_cart_changed(page):
        raise StepFailed(SOLD_OUT)
    if page.status < 400 and path not in page.url:
        raise StepFailed(f"came to {_path(page.url)[:40]} instead of {path}")
    return page
