"""`python -m bench.load.by_request`: processor time of each request on the way of an order, without a server around it.

The application runs in this process on the stores of a running shop, one shopper after the other; the time is this
process's own (`time.process_time`), so that what else the machine does shifts it little. Two versions of the code are
compared by running this in each of them, in turn, against the same shop.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from urllib.parse import urlsplit

from flask import Flask

from bench.load.browser import Browser, Form, Page
from bench.load.run import stock_up
from bench.load.shopper import checkout_steps, visitor_address
from bench.shop import Shop, find_shop

WARM_UP_ORDERS = 10
_NAMES = ((re.compile(r"^/products/.*"), "/products/..."), (re.compile(r"^/orders/.*"), "/orders/..."))


@dataclass(slots=True)
class Meter:
    """Milliseconds of processor time by request."""

    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, method: str, path: str, milliseconds: float) -> None:
        """Add one request under the name of its route."""
        for pattern, name in _NAMES:
            path = pattern.sub(name, path)
        self.spent[f"{method} {path}"].append(milliseconds)


class InProcessBrowser(Browser):
    """The load generator's browser, asking the application itself."""

    def __init__(self, application: Flask, meter: Meter, number: int) -> None:
        super().__init__("http://localhost", visitor_address(number))
        self._client = application.test_client()
        self._meter = meter

    def _once(self, method: str, url: str, body: str | None) -> Page:
        parts = urlsplit(url)
        headers = {"X-Forwarded-For": self._address, "Accept": "text/html"}
        if body is not None:
            headers |= {"Origin": self._base, "Content-Type": "application/x-www-form-urlencoded"}
        began = time.process_time()
        answer = self._client.open(
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            method=method,
            data=body,
            headers=headers,
        )
        self._meter.note(method, parts.path, (time.process_time() - began) * 1000)
        return Page(
            url, answer.status_code, answer.get_data(as_text=True), {k.lower(): v for k, v in answer.headers}
        )


def buy(browser: Browser, path: str, number: int) -> bool:
    """The whole way of one order; False when the piece is sold out."""
    page = browser.get(path)
    try:
        form: Form = page.form("/cart/lines")
    except LookupError:
        return False
    page = browser.submit(form, quantity="1")
    for step in checkout_steps(browser, number):
        page = step(page)
    page = browser.submit(page.form("/checkout/place"))
    if "/orders/" not in page.url:
        raise SystemExit(f"placing led to {page.url} ({page.status})")
    return True


def measure(shop: Shop, orders: int) -> tuple[Meter, float]:
    """Place some orders; returns the meter and the processor time per order in milliseconds."""
    os.environ.update(shop.environment)
    from webapp import create_app

    paths = stock_up(shop, shop.settings.database_url.replace("postgresql+psycopg://", "postgresql://"))
    # Each shopper's address is the one that the browser names: the limits per address are for one person's clicks.
    application, meter = create_app(replace(shop.settings, trusted_proxies=1)), Meter()
    first = int(time.time()) % 60_000
    for number in range(WARM_UP_ORDERS):
        buy(InProcessBrowser(application, meter, first + number), paths[number % len(paths)], number)
    meter.spent.clear()
    done, number = 0, WARM_UP_ORDERS
    while done < orders:
        done += buy(InProcessBrowser(application, meter, first + number), paths[number % len(paths)], number)
        number += 1
    return meter, sum(map(sum, meter.spent.values())) / done


def main() -> int:
    """Measure and print, the dearest request first."""
    parser = argparse.ArgumentParser("python -m bench.load.by_request", description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=Path(".local"), help="the running shop's CARTWRIGHT_HOME"
    )
    parser.add_argument("--orders", type=int, default=40)
    chosen = parser.parse_args()
    meter, per_order = measure(find_shop(chosen.home), chosen.orders)
    for name, times in sorted(meter.spent.items(), key=lambda item: -sum(item[1])):
        print(f"{name:28} {len(times) / chosen.orders:4.1f} per order, {mean(times):6.1f} ms each")
    print(f"{per_order:.1f} ms of processor time per order in the web application")
    return 0


if __name__ == "__main__":
    sys.exit(main())
