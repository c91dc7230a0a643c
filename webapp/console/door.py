"""The console's door: its blueprint, and the rule that every route says which permission it needs.

A route without a declaration answers nobody: the request fails loudly in a test long before a shop runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.console.people.models import Staff, StaffSession
from webapp.console.people.sessions import find_session
from webapp.console.permissions import Permission, may
from webapp.refusals import known_as

console = Blueprint("console", __name__, url_prefix="/console")

View = TypeVar("View", bound=Callable[..., Any])
_PERMISSION = "console_permission"
_OPEN = "open to all"


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare the permission that a route needs. Place it below the route decorator."""

    def declare(view: View) -> View:
        setattr(view, _PERMISSION, permission)
        return view

    return declare


def open_to_all(view: View) -> View:
    """Declare that a route needs no session: signing in and accepting an invitation."""
    setattr(view, _PERMISSION, _OPEN)
    return view


def declared_permission(endpoint: str) -> Permission | None:
    """What an endpoint needs; None when it is open. Raises LookupError for an endpoint that declares nothing."""
    view = current_app.view_functions[endpoint]
    declared = getattr(view, _PERMISSION, None)
    if declared is None:
        raise LookupError(f"{endpoint} declares no permission: add @requires(...)")
    return None if declared == _OPEN else Permission(declared)


def current_staff() -> Staff:
    """Who is at the keyboard. Only for views behind `requires`."""
    staff: Staff = g.staff
    return staff


def current_session() -> StaffSession:
    """The session of who is at the keyboard."""
    session: StaffSession = g.staff_session
    return session


def staff_may(permission: Permission | str) -> bool:
    """Whether who is at the keyboard has a permission: what templates ask before they show a button."""
    staff: Staff | None = g.get("staff")
    return staff is not None and may(staff.role_of, Permission(permission))


@console.before_request
def admit() -> ResponseReturnValue | None:
    """Let a request in, send it to the sign-in page, or refuse it with 403."""
    permission = declared_permission(request.endpoint or "")
    session = find_session()
    if session is not None:
        g.staff, g.staff_session = session.staff, session
        known_as("staff", session.staff_id)
    if permission is None:
        return None
    if session is None:
        return redirect(url_for("console.sign_in", next=_return_path()))
    if _must_enrol(session) and permission is not Permission.OWN_ACCOUNT:
        flash("Set up your second factor first: without it the console stays closed.")
        return redirect(url_for("console.account"))
    if not may(session.staff.role_of, permission):
        abort(403)
    return None


def _return_path() -> str:
    """Where to go after signing in: only a page can be returned to, never an action."""
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("console.orders")


def _must_enrol(session: StaffSession) -> bool:
    """On a laptop a password is enough; anywhere else staff need their second factor."""
    return not session.staff.has_second_factor and not current_app.extensions["cartwright"].settings.is_local


def safe_next(target: str | None) -> str:
    """The page to go to after signing in, if it is one of ours and in the console; else the order list."""
    parts = urlsplit(target or "")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/console/")
    return target if target and is_ours and "\\" not in target else url_for("console.orders")


@console.after_request
def keep_out_of_caches(response: Any) -> Any:
    """Staff pages hold personal data: no cache keeps them, no frame shows them."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Robots-Tag"] = "noindex"
    return response
