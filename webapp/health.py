"""Liveness and readiness: is this process alive, and can it do its work."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp.extensions import db
from webapp.wiring import wiring

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)

PROBE_SECONDS = 2.0
"""Every probe is bounded, so that a slow dependency cannot tie up the probes as well."""


@bp.get("/healthz")
def live() -> Response:
    """The process answers. Asks nobody, so that a dependency's outage does not restart the web tier."""
    return jsonify(status="ok", release=wiring().settings.release)


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    """Whether the database and the order API answer; 503 when one does not, naming which."""
    checks = {"database": _database_answers(), "order_api": wiring().order_api.is_reachable(PROBE_SECONDS)}
    is_ready = all(checks.values())
    if not is_ready:
        log.warning("not_ready", extra={"checks": checks})
    words = {name: "ok" if fine else "away" for name, fine in checks.items()}
    return jsonify(status="ok" if is_ready else "not ready", checks=words), 200 if is_ready else 503


def _database_answers() -> bool:
    try:
        with db.engine.connect() as connection:
            connection.execute(text(f"SET LOCAL statement_timeout = {int(PROBE_SECONDS * 1000)}"))
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
