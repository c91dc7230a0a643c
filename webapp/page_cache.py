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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, make_response, request
from werkzeug.http import parse_accept_header, parse_etags, remove_entity_headers

from orders.observability import CORRELATION_HEADER, accept_correlation_id
from webapp import request_log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOST_PAGES = 500
LONGEST_ADDRESS = 300
SHARED = "public, max-age=0, s-maxage=15, stale-while-revalidate=30, stale-if-error=300"
"""A shared cache may keep it for 15 s, and show it for 5 minutes while the shop does not answer; a browser always asks."""
OWN = "private, no-cache"
_GZIP_LEVEL = 6
_DRAWN_PAGE = "cartwright.shared_page"
"""Under this name a request carries the page that it was answered with, if that is everybody's."""
_OF_ONE_ANSWER = frozenset({"date", CORRELATION_HEADER.lower()})

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """A drawn page."""

    until: float
    body: bytes
    zipped: bytes
    etag: str
    route: str = ""
    headers: dict[bool, Headers] = field(default_factory=dict)
    """The headers that its first answer had, zipped (True) and plain: the next ones have the same."""


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

    def draw(self, address: str, body: bytes, seconds: float, route: str = "") -> Page:
        """A page from its body, kept for some seconds under its address."""
        zipped = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        page = Page(self._now() + seconds, body, zipped, _etag(body), route)
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
            address = request.script_root + request.full_path  # The language is a part of the address.
            page = cache.get(address)
            if page is None:
                response = make_response(view(*args, **kwargs))
                if response.status_code != 200 or "Set-Cookie" in response.headers:
                    return response
                page = cache.draw(address, response.get_data(), seconds, str(request.url_rule or ""))
            request.environ[_DRAWN_PAGE] = page
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
    takes_gzip = _takes_gzip(request.headers.get("Accept-Encoding", ""))
    response = Response(page.zipped if takes_gzip else page.body, mimetype="text/html")
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = SHARED
    response.headers["Vary"] = "Cookie, Accept-Encoding"
    response.set_etag(_named(page, is_zipped=takes_gzip))
    response.make_conditional(request)
    return response


def _named(page: Page, *, is_zipped: bool) -> str:
    return f"{page.etag}-gzip" if is_zipped else page.etag


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:20]


class SharedPages:
    """Answers what is in the page cache before the application is asked: no routing, no session, the same bytes.

    What every answer needs is repeated here: the correlation id, and the summary line in the log.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._next: WSGIApplication = app.wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See WSGI (PEP 3333)."""
        if not _is_everybodys(environ):
            return self._next(environ, start_response)
        began = time.perf_counter()
        is_zipped = _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        page, headers = _kept(self._app, environ, is_zipped=is_zipped)
        if page is None or headers is None:
            return self._next(environ, _noting(environ, start_response, is_zipped=is_zipped))
        mine = (CORRELATION_HEADER, accept_correlation_id(environ.get("HTTP_X_CORRELATION_ID")))
        asked_for = environ.get("HTTP_IF_NONE_MATCH")
        is_known = bool(asked_for) and parse_etags(asked_for).contains_weak(_named(page, is_zipped=is_zipped))
        status = 304 if is_known else 200
        start_response(_STATUS[status], [*(_without_body(headers) if is_known else headers), mine])
        request_log.write_line(environ["REQUEST_METHOD"], page.route, status, began)
        if is_known or environ["REQUEST_METHOD"] == "HEAD":
            return ()
        return (page.zipped if is_zipped else page.body,)


def is_ready(app: Flask, environ: WSGIEnvironment) -> bool:
    """Whether this request would be answered from memory now, for hardly more than turning it away costs."""
    if not _is_everybodys(environ):
        return False
    is_zipped = _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
    return _kept(app, environ, is_zipped=is_zipped)[1] is not None


def _is_everybodys(environ: WSGIEnvironment) -> bool:
    return "HTTP_COOKIE" not in environ and environ["REQUEST_METHOD"] in {"GET", "HEAD"}


def _kept(app: Flask, environ: WSGIEnvironment, *, is_zipped: bool) -> tuple[Page | None, Headers | None]:
    """The fresh page at this address, and the headers of an answer with it once there was one."""
    address = f"{environ.get('SCRIPT_NAME', '')}{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
    cache: PageCache = app.extensions["cartwright-pages"]
    # An address with other letters is spelled in another way here than in the application: it answers that itself.
    page = cache.get(address) if address.isascii() else None
    return page, page.headers.get(is_zipped) if page is not None else None


_STATUS = {200: "200 OK", 304: "304 NOT MODIFIED"}


def _noting(environ: WSGIEnvironment, start_response: StartResponse, *, is_zipped: bool) -> StartResponse:
    """Keep the headers of the first answer with a page for the next ones, unless they are this visitor's alone."""

    def noted(status: str, headers: Headers, *error: Any) -> Any:
        page: Page | None = environ.get(_DRAWN_PAGE)
        if page is not None and status.startswith("200") and environ["REQUEST_METHOD"] == "GET":
            kept = [(name, value) for name, value in headers if name.lower() not in _OF_ONE_ANSWER]
            if not any(name == "Set-Cookie" or "'nonce-" in value for name, value in kept):
                page.headers[is_zipped] = kept
        return start_response(status, headers, *error)

    return noted


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted)["gzip"]) if accepted else False


def _without_body(headers: Headers) -> Headers:
    kept = list(headers)
    remove_entity_headers(kept)
    return kept
