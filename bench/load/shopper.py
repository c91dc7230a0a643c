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
    def draw(cls, random: Random, buying_share: float) -> Errand:
        """A plausible errand; `buying_share` of all shoppers place an order."""
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
    _page: Page = field(init=False)

    def run(self, due: float, errand: Errand) -> None:
        """Run an errand; every step is a sample, the first that fails ends the visit."""
        browser = Browser(self.base_url, _address(self.number))
        started = due
        try:
            for step, action in self._steps(browser, errand):
                clicked = time.time()
                self._page = self._timed(step, started, action)
                started = self.clock()
                if step == "place":
                    self._note_order(self._page, clicked)
        except StepFailed:
            return
        finally:
            browser.close()

    def _steps(self, browser: Browser, errand: Errand) -> Iterator[tuple[str, Callable[[], Page]]]:
        """The steps of an errand; each answer is the page on which the next step acts, as in a browser."""
        yield "home", lambda: browser.get("/")
        for path in self.random.choices(self.product_paths, k=errand.pages):
            yield "product", partial(browser.get, path)
        if not errand.buys:
            return
        for path in self.random.sample(self.product_paths, min(errand.items, len(self.product_paths))):
            yield "product", partial(browser.get, path)
            yield "add to cart", lambda: _add_to_cart(browser, self._page)
        yield "checkout", lambda: _expect(browser.get("/checkout/details"), "/checkout/details")
        yield "address", lambda: _address_step(browser, self._page, self.number)
        yield "delivery", lambda: _expect(browser.submit(_form_here(self._page)), "/checkout/payment")
        yield "payment", lambda: _payment(browser, self._page)
        yield "place", lambda: _place(browser, self._page)

    def _timed(self, step: str, due: float, action: Callable[[], Page]) -> Page:
        error = ""
        try:
            page = action()
            if page.status >= 400:
                error = f"HTTP {page.status}"
        except StepFailed as failure:
            error = str(failure)
        except (http.client.HTTPException, OSError, LookupError) as failure:
            error = type(failure).__name__
        self.recorder.add(step, due, self.clock() - due, error)
        if error:
            raise StepFailed(error)
        return page

    def _note_order(self, page: Page, clicked: float) -> None:
        if match := _ORDER_LINK.search(page.url):
            self.recorder.clicked[match[1]] = clicked


def _address(number: int) -> str:
    """An address of the documentation range 198.18.0.0/15, so that each shopper has rate limits of its own."""
    return f"198.{18 + (number >> 16) % 2}.{number >> 8 & 255}.{number & 255}"


def _form_here(page: Page) -> Form:
    for form in page.forms():
        if (
            form.method == "post"
            and ("csrf_token" in form.fields)
            and form.action in {page.url, _path(page.url)}
        ):
            return form
    raise StepFailed(f"no form on {_path(page.url)}")


def _path(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def _add_to_cart(browser: Browser, page: Page) -> Page:
    try:
        form = page.form("/cart/lines")
    except LookupError as error:
        raise StepFailed("sold out") from error
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


def _place(browser: Browser, page: Page) -> Page:
    page = browser.submit(page.form("/checkout/place"))
    if "/orders/" not in page.url:
        raise StepFailed(f"placing led to {_path(page.url)[:40]}")
    return page


def _expect(page: Page, path: str) -> Page:
    if page.status < 400 and path not in page.url:
        raise StepFailed(f"came to {_path(page.url)[:40]} instead of {path}")
    return page
