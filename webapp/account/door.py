"""The account's door: its blueprint. Every route is for who is signed in, unless it says that it is open to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.account.models import Customer, CustomerSession
from webapp.account.sessions import current_customer, current_session

account = Blueprint("account", __name__, url_prefix="/account")

View = TypeVar("View", bound=Callable[..., Any])
_OPEN = "account_open_to_all"


def open_to_all(view: View) -> View:
    """Declare that a route needs no session: signing in, registering, links from letters. Place it below the route."""
    setattr(view, _OPEN, True)
    return view


def signed_in() -> Customer:
    """Who is signed in. Only for views that are not open to all."""
    customer = current_customer()
    if customer is None:
        abort(401)
    return customer


def this_session() -> CustomerSession:
    """The session of who is signed in."""
    found = current_session()
    if found is None:
        abort(401)
    return found


@account.before_request
def admit() -> ResponseReturnValue | None:
    """Let a request in, or send it to the sign-in page."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, _OPEN, False) or current_customer() is not None:
        return None
    # Only a page can be returned to, never an action.
    target = (
        request.script_root + request.full_path.rstrip("?")
        if request.method in {"GET", "HEAD"}
        else url_for("account.overview")
    )
    return redirect(url_for("account.sign_in", next=target), 303)


@account.after_request
def keep_private(response: Response) -> Response:
    """Account pages hold personal data: no cache keeps them, no search engine lists them, no link out names them."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer" if "/link/" in request.path else "same-origin"
    return response


def safe_next(target: str | None) -> str:
    """The page to go to after signing in, if it is one of ours; else the account."""
    home = url_for("account.overview")
    if not target or "\\" in target or any(ord(character) < 33 for character in target):
        return home
    parts = urlsplit(target)
    is_ours = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")
    return target if is_ours else home
