"""What staff see when something is wrong: in the console's own layout, with the trace to look for."""

from __future__ import annotations

import logging

from flask import Response, abort, make_response, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from orders.domain.errors import NotFound, Refused, Unavailable
from orders.observability import correlation_id
from webapp.console.door import console, requires
from webapp.console.permissions import Permission
from webapp.extensions import db
from webapp.refusals import because

log = logging.getLogger(__name__)

_TITLES = {
    403: "Your role may not do this",
    404: "There is nothing here",
    405: "Not in this way",
    409: "That is not possible now",
    413: "That is too much at once",
    422: "Something is missing",
    500: "Something broke on our side",
    503: "A part of the shop does not answer",
}


def page(status: int, text: str) -> Response:
    """An error page of the console."""
    return make_response(
        render_template(
            "console/error.html",
            title=_TITLES.get(status, "That did not work"),
            text=text,
            status=status,
            reference=correlation_id.get(),
        ),
        status,
    )


@console.errorhandler(HTTPException)
def http_error(error: HTTPException) -> Response:
    """Refusals of the web framework and of the permission table."""
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    if isinstance(error, CSRFError):
        because("form_without_its_token")
    if isinstance(error, InternalServerError):
        log.error("unhandled_error", exc_info=error.original_exception or error)
        db.session.rollback()
    texts = {
        403: "Ask an admin if you need it.",
        404: "It may have been removed, or the link is incomplete.",
        500: "It is written down. Nothing was changed unless the page says so; look at the order before trying again.",
    }
    return page(error.code, texts.get(error.code, error.description or ""))


@console.get("/<path:unknown>")
@requires(Permission.OWN_ACCOUNT)
def nothing_here(unknown: str) -> Response:
    """An address that the console does not have: staff are told in the console, not by the shop's page for shoppers."""
    abort(404)


@console.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """Refusals of the core: nothing was changed."""
    db.session.rollback()
    return page(404 if isinstance(error, NotFound) else 409, f"{error}. Nothing was changed.")


@console.errorhandler(Unavailable)
def unavailable(error: Unavailable) -> Response:
    """A dependency is away: nothing is lost, the staff may try again."""
    db.session.rollback()
    response = page(503, f"{error}. Try again in a moment.")
    response.headers["Retry-After"] = str(max(1, round(error.retry_after_seconds or 5)))
    return response
