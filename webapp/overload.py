"""The door of an overloaded process: a burst waits in line, and who could not be answered in time is told at once to come back.

Without it a process takes every connection, each page waits for all the others, and what is answered at last is answered
to people who have left. What was let in is finished: an order that is being placed is not disturbed by those outside.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from orders.observability import CORRELATION_HEADER, accept_correlation_id
from webapp.languages import ENGLISH, Language, _l, speaking

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

MOST_AT_ONCE = 100
"""Requests of one process that may be on their way. A page takes some 10 ms of its processor: the last of a hundred waits
about a second, and ten connections to the database serve them all within the pool's patience."""
MOST_IN_LINE = 300
"""Requests that may wait for one of these places: three seconds of work. A longer line would only be told later."""
WAIT_SECONDS = 4.0
"""In the line; with the second inside everybody has an answer within five (docs/adr/0013)."""
RETRY_AFTER_SECONDS = 2
SAY_EVERY_SECONDS = 5.0
ALWAYS_OPEN = ("/healthz", "/readyz", "/static/")
"""The balancer must hear that the process lives: one that is taken out for being busy makes the others busier."""
_NOT_NOW = _l("A moment, please")
_BUSY = _l("Many people are here right now")
_COME_BACK = _l(
    "Wait a moment and reload this page. Your cart is as you left it, and nothing was charged by what you just did."
)


def _page(language: Language) -> bytes:
    with speaking(language):
        return (
            f"<!doctype html><html lang={language.code}><meta charset=utf-8><title>{_NOT_NOW}</title>"
            f"<h1>{_BUSY}</h1><p>{_COME_BACK}</p></html>"
        ).encode()


class Door:
    """A WSGI layer that counts the requests on their way. A stream counts until it begins, not while it is open.

    Places are handed on in the order of arrival, by whoever leaves: nobody who comes later slips in between.
    """

    def __init__(
        self,
        application: WSGIApplication,
        most: int = MOST_AT_ONCE,
        in_line: int = MOST_IN_LINE,
        wait_seconds: float = WAIT_SECONDS,
        offered: Sequence[Language] = (ENGLISH,),
    ) -> None:
        self._next = application
        self._most = most
        self._in_line = in_line
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._inside = 0
        self._line: deque[threading.Event] = deque()
        self._turned_away = 0
        self._said_at = 0.0
        self._pages = {one.prefix[1:]: _page(one) for one in offered}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See WSGI (PEP 3333)."""
        if environ["PATH_INFO"].startswith(ALWAYS_OPEN):
            return self._next(environ, start_response)
        if not self._enter():
            return self._turn_away(environ, start_response)
        try:
            return self._next(environ, start_response)
        finally:
            self._leave()

    def _enter(self) -> bool:
        """Take a place, or wait for one. False when the line is too long or took too long."""
        with self._lock:
            if self._inside < self._most:
                self._inside += 1
                return True
            if len(self._line) >= self._in_line:
                return False
            turn = threading.Event()
            self._line.append(turn)
        try:
            turn.wait(self._wait_seconds)
        except BaseException:
            if not self._give_up(turn):
                self._leave()
            raise
        # The turn may have come between the end of the wait and here.
        return not self._give_up(turn)

    def _give_up(self, turn: threading.Event) -> bool:
        """Step out of the line. False when the turn has come: the place is taken then."""
        with self._lock:
            if turn.is_set():
                return False
            self._line.remove(turn)
            return True

    def _leave(self) -> None:
        """Give the place to the first in line."""
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._inside -= 1

    def _turn_away(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._turned_away += 1
        now = time.monotonic()
        if now - self._said_at >= SAY_EVERY_SECONDS:
            facts = {"turned_away": self._turned_away, "inside": self._inside, "in_line": len(self._line)}
            log.warning("overloaded", extra=facts)
            self._turned_away, self._said_at = 0, now
        # The application that knows the page's language is what this stands before.
        prefix = environ["PATH_INFO"][1:].partition("/")[0]
        body = self._pages.get(prefix) or self._pages[""]
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(RETRY_AFTER_SECONDS)),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            (CORRELATION_HEADER, accept_correlation_id(environ.get("HTTP_X_CORRELATION_ID"))),
        ]
        start_response("503 SERVICE UNAVAILABLE", headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)
