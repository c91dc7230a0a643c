"""Security events: who was refused what, as one line of its own beside the request's (docs/security/README.md, Logs)."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, request

log = logging.getLogger("webapp.refusals")

_REASONS = {
    401: "not_signed_in",
    403: "not_allowed",
    413: "too_large",
    429: "too_often",
}
_OF_SOMEBODY = ("account.", "order_changes.", "order_returns.", "tracking.", "console.")
"""Where an answer of 404 may mean "not yours": what belongs to somebody else is answered as if it did not exist."""


def register_refusals(app: Flask) -> None:
    """Write a line for every request that a rule of the shop turned away."""
    app.after_request(_note)


def because(reason: str) -> None:
    """Say why the request in hand is refused, where its status alone does not."""
    g.refused_because = reason


def _note(response: Response) -> Response:
    reason = g.get("refused_because") or _REASONS.get(response.status_code)
    if reason is None and response.status_code == 404 and (request.endpoint or "").startswith(_OF_SOMEBODY):
        reason = "not_theirs_or_not_there"
    if reason is not None and response.status_code >= 400:
        log.warning(
            "request_refused",
            extra={
                "reason": reason,
                "who": g.get("who", "visitor"),
                "method": request.method,
                # The rule, not the path: a path may hold a signed link.
                "route": request.url_rule.rule if request.url_rule else "-",
                "status": response.status_code,
            },
        )
    return response


def known_as(kind: str, account_id: object) -> None:
    """Say who is at the keyboard: an id, never an address or a name. Kept apart from the row, which a rollback empties."""
    g.who = f"{kind}:{account_id}"
