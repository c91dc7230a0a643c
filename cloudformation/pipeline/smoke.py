"""Visits a deployed shop: is it ready, does it show pages, does it set its security headers. Needs nothing but Python.

python cloudformation/pipeline/smoke.py https://www.cartwright.example
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

PATIENCE_SECONDS = 120.0
_HEADERS = ("content-security-policy", "x-content-type-options")


def problems_of(address: str, fetch: Callable[[str], tuple[int, dict[str, str], str]]) -> list[str]:
    """What is wrong with the shop at an address; empty when nothing is."""
    problems = []
    for path, wanted in (("/healthz", ""), ("/readyz", ""), ("/", "<html"), ("/cart", "<html")):
        status, headers, body = fetch(address.rstrip("/") + path)
        if status != 200:
            problems.append(f"{path} answers {status}")
        elif wanted not in body:
            problems.append(f"{path} is not a page")
        elif wanted:
            problems += [f"{path} has no {name}" for name in _HEADERS if name not in headers]
    return problems


def fetch_page(url: str) -> tuple[int, dict[str, str], str]:
    """Status, headers by lower-case name, and body. A shop that does not answer has status 0."""
    request = urllib.request.Request(url, headers={"User-Agent": "cartwright-smoke"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  (the address is ours)
            body = answer.read(2_000_000).decode("utf-8", "replace")
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, body
    except urllib.error.HTTPError as error:
        return error.code, {}, ""
    except OSError as error:
        return 0, {}, str(error)


def main(arguments: list[str]) -> int:
    """Visit until nothing is wrong or the patience ends. Returns 0 when the shop is well."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    deadline = time.monotonic() + PATIENCE_SECONDS
    while problems := problems_of(arguments[0], fetch_page):
        if time.monotonic() > deadline:
            print("\n".join(problems), file=sys.stderr)  # noqa: T201
            return 1
        time.sleep(5)
    print(f"{arguments[0]} is well")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
