"""What a visitor sees when something is wrong: one table from errors to answers, as a page or as problem+json."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from orders.domain.errors import InvalidRequest, NotFound, Refused, Unavailable
from orders.observability import correlation_id
from webapp.languages import _l
from webapp.refusal_words import problem_words, refusal_words
from webapp.refusals import because

log = logging.getLogger(__name__)

_TITLES = {
    400: _l("That did not work"),
    401: _l("Please sign in"),
    403: _l("Not allowed"),
    404: _l("There is nothing here"),
    405: _l("Not in this way"),
    410: _l("This is gone"),
    413: _l("That is too much at once"),
    414: _l("That address is too long"),
    415: _l("That cannot be read here"),
    429: _l("A moment, please"),
    500: _l("Something broke on our side"),
    503: _l("We cannot do this right now"),
}
_TEXTS = {
    400: _l(
        "The form could not be read. Go back, reload the page and try again; your cart is as you left it."
    ),
    403: _l("This page is not open to you, or the form came from somewhere else."),
    404: _l("The page may have moved, or the link may be incomplete. Your cart is as you left it."),
    405: _l("This address does not take that kind of request."),
    410: _l("What was here is not offered any more. Your cart is as you left it."),
    413: _l("The form is larger than anything we ask for."),
    429: _l("That was quicker than a person types. Wait a moment and try again; nothing is lost."),
    500: _l(
        "It is written down and we will look at it. Your cart is as you left it; nothing was charged without an order."
    ),
    503: _l(
        "Part of the shop does not answer. Try again in a moment; your cart is as you left it and nothing was charged."
    ),
}


def register_errors(app: Flask) -> None:
    """Answer every error in the shop's own words."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _http)
    app.register_error_handler(NotFound, lambda error: answer(404))
    app.register_error_handler(InvalidRequest, _invalid)
    app.register_error_handler(Refused, lambda error: answer(409, refusal_words(error), code=error.code))
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(PoolTimeout, _database)


def wants_json() -> bool:
    """Whether the caller is a program: it asked for JSON rather than for a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def answer(status: int, detail: str = "", *, code: str = "", **members: Any) -> Response:
    """An error answer, never stored. As JSON it is RFC 9457's problem+json, the same shape as the order API's."""
    title = str(_TITLES.get(status, _TITLES[400]))
    text = detail or str(_TEXTS.get(status, _TEXTS[400] if status < 500 else _TEXTS[500]))
    if wants_json():
        problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": text,
            "code": code or f"http_{status}",
            "correlation_id": correlation_id.get(),
            **members,
        }
        response = jsonify(problem)
        response.mimetype = "application/problem+json"
    else:
        response = make_response(
            render_template(
                "errors/error.html",
                status=status,
                title=title,
                text=text,
                reference=correlation_id.get(),
            )
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _http(error: HTTPException) -> Response:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    status = error.code or 500
    if isinstance(error, CSRFError):
        because("form_without_its_token")
    if isinstance(error, InternalServerError):
        log.error("unhandled_error", exc_info=error.original_exception or error)
    # Werkzeug's own English is for programmers; only what a view said on purpose is shown.
    is_ours = error.description != type(error).description and not isinstance(error, CSRFError)
    response = answer(status, (error.description or "") if is_ours and status < 500 else "")
    if retry_after := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(retry_after)
    if status == 405 and (allowed := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _invalid(error: InvalidRequest) -> Response:
    problems = [{"pointer": p.pointer, "detail": problem_words(p)} for p in error.problems]
    return answer(400, refusal_words(error), code=error.code, errors=problems)


def _unavailable(error: Unavailable) -> Response:
    log.warning("dependency_away", extra={"reason": str(error)[:300]})
    response = answer(503, code=error.code)
    response.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds or 5)))
    return response


def _database(error: Exception) -> Response:
    if isinstance(error, DBAPIError) and not (error.connection_invalidated or _is_operational(error)):
        return _http(InternalServerError(original_exception=error))
    log.warning("database_away", extra={"reason": type(error).__name__})
    response = answer(ServiceUnavailable.code)
    response.headers["Retry-After"] = "5"
    return response


def _is_operational(error: DBAPIError) -> bool:
    """Connection refused, shut down, out of slots, statement timeout: the database's trouble, not a wrong statement."""
    return type(error).__name__ in {"OperationalError", "InterfaceError"}
