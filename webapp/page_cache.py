"""Pages that are the same for every visitor without a cookie: drawn once, kept for seconds, answered 304 when unchanged.

A visitor with any cookie gets a page of their own, marked private. So a shared cache (CloudFront, with the cookies in its
key) and this one never mix what belongs to somebody with what belongs to all.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, current_app, make_response, request

MOST_PAGES = 500
LONGEST_ADDRESS = 300
SHARED = "public, max-age=0, s-maxage=15, stale-while-revalidate=30, stale-if-error=300"
"""A shared cache may keep it for 15 s, and show it for 5 minutes while the shop does not answer; a browser always asks."""
OWN = "private, no-cache"
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Page:
    """A drawn page."""

    until: float
    body: bytes
    zipped: bytes
    etag: str


class PageCache:
    """The pages of one process, the least recently used forgotten first. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, Page] = OrderedDict()

    def get(self, address: str) -> Page | None:
        """A page that is still fresh."""
        with self._lock:
            page = self._pages.get(address)
            if page is None or page.until < self._now():
                return None
            self._pages.move_to_end(address)
            return page

    def draw(self, address: str, body: bytes, seconds: float) -> Page:
        """A page from its body, kept for some seconds under its address."""
        page = Page(self._now() + seconds, body, gzip.compress(body, _GZIP_LEVEL, mtime=0), _etag(body))
        if len(address) > LONGEST_ADDRESS:
            return page  # Somebody's own long query: it would only push others out.
        with self._lock:
            self._pages[address] = page
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
        return page


def cached_page(seconds: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view that reads only the address be answered from memory for visitors without a cookie."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def answered(*args: Any, **kwargs: Any) -> Response:
            if "Cookie" in request.headers:
                return _own(make_response(view(*args, **kwargs)))
            cache: PageCache = current_app.extensions["cartwright-pages"]
            address = request.full_path
            page = cache.get(address)
            if page is None:
                response = make_response(view(*args, **kwargs))
                if response.status_code != 200 or "Set-Cookie" in response.headers:
                    return response
                page = cache.draw(address, response.get_data(), seconds)
            return _shared(page)

        return answered

    return decorate


def _own(response: Response) -> Response:
    if response.status_code == 200:
        response.headers["Cache-Control"] = OWN
        response.vary.add("Cookie")
        response.set_etag(_etag(response.get_data()))
        response.make_conditional(request)
    return response


def _shared(page: Page) -> Response:
    takes_gzip = bool(request.accept_encodings["gzip"])
    response = Response(page.zipped if takes_gzip else page.body, mimetype="text/html")
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = SHARED
    response.headers["Vary"] = "Cookie, Accept-Encoding"
    response.set_etag(f"{page.etag}-gzip" if takes_gzip else page.etag)
    response.make_conditional(request)
    return response


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]
