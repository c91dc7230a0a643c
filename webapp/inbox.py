"""/inbox on a laptop: the way from the shop to the letters and text messages that it sent (local/inbox.py shows them)."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

from webapp.wiring import wiring

bp = Blueprint("inbox", __name__)


@bp.get("/inbox")
def inbox() -> Response:
    """To the in-box, which is a program of its own, on a port of its own."""
    return redirect(wiring().settings.inbox_url, 302)
