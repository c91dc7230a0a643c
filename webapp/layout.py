"""What every page shares: the shop's name, the shelves in the header and the number beside the cart."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from webapp.cart.cookie import read_cart_id
from webapp.cart.queries import count_pieces
from webapp.catalog.models import Category
from webapp.extensions import db
from webapp.wiring import wiring

log = logging.getLogger(__name__)

SHELVES_FRESH_FOR_SECONDS = 30.0


class Shelves:
    """The top categories, remembered per process: the header of every page needs them, and they hardly ever change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, str], ...] = ()
        self._until = 0.0

    def top(self) -> tuple[tuple[str, str], ...]:
        """(slug, name) of each; what was known last while the database is away."""
        if time.monotonic() < self._until:
            return self._known
        try:
            rows = db.session.execute(
                select(Category.slug, Category.name)
                .where(Category.parent_id.is_(None))
                .order_by(Category.position, Category.id)
            ).all()
        except SQLAlchemyError:
            db.session.rollback()
            return self._known
        with self._lock:
            self._known = tuple((row.slug, row.name) for row in rows)
            self._until = time.monotonic() + (SHELVES_FRESH_FOR_SECONDS if rows else 0.0)
        return self._known


def cart_count() -> int | None:
    """Pieces in this visitor's cart; None when that cannot be told, so that no wrong number is shown."""
    if "cart_count" not in g:
        g.cart_count = _count()
    count: int | None = g.cart_count
    return count


def _count() -> int | None:
    cart_id = read_cart_id(request)
    if cart_id is None:
        return 0
    parts = wiring()
    try:
        return count_pieces(cart_id, parts.clock.now() - timedelta(days=parts.settings.cart_ttl_days))
    except SQLAlchemyError:
        db.session.rollback()
        return None


def register_layout(app: Flask) -> None:
    """Give every template the parts of the layout."""
    app.extensions["cartwright-shelves"] = Shelves()

    @app.context_processor
    def _parts() -> dict[str, Any]:
        settings = wiring().settings
        return {
            "shop_name": settings.shop_name,
            "public_url": settings.public_url,
            "is_local": settings.is_local,
            "shelves": current_app.extensions["cartwright-shelves"].top,
            "cart_count": cart_count,
        }
