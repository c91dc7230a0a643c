"""One line per request, and the correlation id that everything it causes carries."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from orders.observability import CORRELATION_HEADER, accept_correlation_id, correlation_id

log = logging.getLogger("webapp.request")
_QUIET = frozenset({"health.live", "health.ready", "assets.static_file"})


def register_request_log(app: Flask) -> None:
    """Set the correlation id at the door and write one summary line at the end."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.began = time.perf_counter()
    accept_correlation_id(request.headers.get(CORRELATION_HEADER))


def _finish(response: Response) -> Response:
    response.headers[CORRELATION_HEADER] = correlation_id.get()
    level = logging.DEBUG if request.endpoint in _QUIET and response.status_code < 500 else logging.INFO
    # The rule, not the path: a path may hold a signed link, and a link opens an order.
    route = request.url_rule.rule if request.url_rule else "-"
    write_line(request.method, route, response.status_code, g.get("began", time.perf_counter()), level)
    return response


def write_line(method: str, route: str, status: int, began: float, level: int = logging.INFO) -> None:
    """The summary of one request that began at this reading of `time.perf_counter`."""
    log.log(
        level,
        "request",
        extra={
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
