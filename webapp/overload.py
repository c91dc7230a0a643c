"""The door of an overloaded process: a burst waits in line, and who could not be answered in time is told at once to come back.

Without it a process takes every connection, each page waits for all the others, and what is answered at last is answered
to people who have left. What was let in is finished, and whoever is in the checkout goes before those who have not begun.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, cast

from flask import Flask
from sqlalchemy.pool import QueuePool

from orders.observability import CORRELATION_HEADER, accept_correlation_id
from orders.settings import Settings
from webapp.languages import ENGLISH, Language, _l, speaking
from webapp.waiting_line import Bounds, Rank, Turn, WaitingLine

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = range(2, 8)
"""In turn, so that those who were turned away in one second do not all come back in another."""
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
    """A WSGI layer that lets in as many requests as are answered soonest. A stream counts until it begins, not while it is open.

    `rank_of` says how far a request's sender is, `is_ready` which answers lie ready and need no place, and `is_short` whether
    something that requests share is used up (see WaitingLine). Places are handed on by whoever leaves: nobody slips in between.
    """

    def __init__(
        self,
        application: WSGIApplication,
        bounds: Bounds | None = None,
        *,
        rank_of: Callable[[WSGIEnvironment], Rank] = lambda environ: Rank.KNOWN,
        is_ready: Callable[[WSGIEnvironment], bool] = lambda environ: False,
        is_short: Callable[[], bool] = lambda: False,
        offered: Sequence[Language] = (ENGLISH,),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._next = application
        self._rank_of = rank_of
        self._is_ready = is_ready
        self._clock = clock
        self._lock = threading.Lock()
        self._line = WaitingLine(bounds or Bounds(), is_short)
        self._turned_away = self._turned_away_begun = 0
        self._said_at = 0.0
        self._pages = {one.prefix[1:]: _page(one) for one in offered}
        self._pauses = cycle(RETRY_AFTER_SECONDS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """See WSGI (PEP 3333)."""
        if environ["PATH_INFO"].startswith(ALWAYS_OPEN) or (self._line.is_full and self._is_ready(environ)):
            return self._next(environ, start_response)
        rank = self._rank_of(environ)
        turn = self._enter(rank)
        if turn is None:
            return self._turn_away(environ, start_response, rank)
        try:
            return self._next(environ, start_response)
        finally:
            with self._lock:
                self._line.leave(turn, self._clock())

    def _enter(self, rank: Rank) -> Turn | None:
        """Take a place, or wait for one. None when the line is too long or took too long."""
        with self._lock:
            turn = self._line.ask(rank, self._clock())
            if turn is None or turn.called_at is not None:
                return turn
            turn.called = threading.Event()
        try:
            turn.called.wait(self._line.bounds.wait_seconds)
        except BaseException:
            with self._lock:
                if not self._line.give_up(turn):
                    self._line.leave(turn, self._clock())
            raise
        with self._lock:
            # The turn may have come between the end of the wait and here.
            if self._line.give_up(turn):
                return None
            self._line.took_up(turn, self._clock())
            return turn

    def _turn_away(
        self, environ: WSGIEnvironment, start_response: StartResponse, rank: Rank
    ) -> Iterable[bytes]:
        self._say(rank)
        # The application that knows the page's language is what this stands before.
        prefix = environ["PATH_INFO"][1:].partition("/")[0]
        body = self._pages.get(prefix) or self._pages[""]
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(next(self._pauses))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            (CORRELATION_HEADER, accept_correlation_id(environ.get("HTTP_X_CORRELATION_ID"))),
        ]
        start_response("503 SERVICE UNAVAILABLE", headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)

    def _say(self, rank: Rank) -> None:
        """Log how it stands, now and then."""
        self._turned_away += 1
        self._turned_away_begun += rank < Rank.KNOWN
        now = self._clock()
        if now - self._said_at < SAY_EVERY_SECONDS:
            return
        facts = {
            "turned_away": self._turned_away,
            "of_these_in_checkout": self._turned_away_begun,
            "inside": self._line.inside,
            "of_at_most": self._line.limit,
            "in_line": self._line.waiting,
        }
        log.warning("overloaded", extra=facts)
        self._turned_away, self._turned_away_begun, self._said_at = 0, 0, now


def door_before(app: Flask, bounds: Bounds | None = None) -> Door:
    """The door of a web process of the shop, before everything that the application has around itself."""
    from webapp import page_cache, ranks
    from webapp.extensions import db

    settings: Settings = app.config["CARTWRIGHT_SETTINGS"]
    offered: Sequence[Language] = app.extensions["cartwright-languages"].offered
    with app.app_context():
        engine = db.engine
    connections = 2 * settings.database_pool_size

    def is_short() -> bool:
        # The pool is asked for each time: it is another one after the engine was disposed of.
        return cast(QueuePool, engine.pool).checkedout() >= connections

    return Door(
        app.wsgi_app,
        bounds,
        rank_of=ranks.Ranks(settings, offered),
        is_ready=partial(page_cache.is_ready, app),
        is_short=is_short,
        offered=offered,
    )
