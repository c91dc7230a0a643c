"""A checkout and its row: found by one statement, kept by one that compares versions.

What is found here belongs to no session: only `keep` writes it, and only what was changed. An order finds and keeps its
checkout fifteen times, and a unit of work around each took more than all its pages (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Table, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import make_transient, make_transient_to_detached

from orders.adapters.rds.engine import json_text
from orders.domain.errors import VersionConflict
from webapp import statements
from webapp.cart import queries as cart
from webapp.checkout.models import Checkout
from webapp.extensions import db

_TABLE = cast(Table, Checkout.__table__)
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_JSON = frozenset(column.name for column in _TABLE.columns if isinstance(column.type, JSONB))

Values = Mapping[str, Any]


class Along(NamedTuple):
    """What is done along with keeping a checkout, and not done when that fails: `... WHERE EXISTS (SELECT FROM kept)`.

    The statements have names by which a later one may speak of an earlier one, and the values names of their own. `lock` is a
    row that must be held before the checkout's own.
    """

    statements: Mapping[str, str]
    values: Values
    lock: str = ""


def find(checkout_id: UUID) -> Checkout | None:
    """The checkout of this id, whoever asks: for who has been let in already."""
    return _found(_BY_ID, {"id": checkout_id})


def get(checkout_id: UUID) -> Checkout:
    """The checkout of this id, which is there."""
    found = find(checkout_id)
    if found is None:
        raise LookupError(f"there is no checkout {checkout_id}")
    return found


def look_into_cart(
    cart_id: UUID | None, oldest: datetime, checkout_id: UUID | None = None
) -> tuple[Sequence[Any], Checkout | None]:
    """A visitor's cart (cart.queries.seen takes its rows) and its checkout of this id, else the unfinished one: together,
    because every step begins with both."""
    if checkout_id is not None:
        rows = cart.rows_of(_WITH_CHECKOUT, cart_id, oldest, checkout=checkout_id)
    else:
        rows = cart.rows_of(_WITH_UNFINISHED, cart_id, oldest)
    has_checkout = bool(rows) and rows[0].checkout_id is not None
    return rows, _made(rows[0][-len(_COLUMNS) :]) if has_checkout else None


def find_unfinished(cart_id: UUID) -> Checkout | None:
    """The one checkout of this cart that is neither placed nor abandoned."""
    return _found(_UNFINISHED, {"cart": cart_id})


def find_latest(cart_id: UUID) -> Checkout | None:
    """The newest checkout of this cart, whatever became of it."""
    return _found(_LATEST, {"cart": cart_id})


def find_of_cart(checkout_id: UUID, cart_id: UUID) -> Checkout | None:
    """A checkout by its id, only for the cart that it belongs to."""
    return _found(_OF_CART, {"id": checkout_id, "cart": cart_id})


def add(values: Values) -> Checkout | None:
    """A new checkout of a cart; None when the cart has an unfinished one, which the partial unique index decides."""
    return _found(_inserting(tuple(values)), _written(values))


def keep(checkout: Checkout, now: datetime, *along: Along) -> None:
    """Write what was changed, count the change, and do what goes along with it, all or nothing. Commits.

    A page that was drawn before is out of date then. Raises VersionConflict when another window or process has changed the
    checkout since it was read: nothing was done.
    """
    was = checkout.version
    checkout.version = was + 1
    checkout.updated_at = now
    changed = _changed(checkout)
    values = _written({name: getattr(checkout, name) for name in changed})
    values |= {"kept_id": checkout.id, "kept_version": was}
    named: list[tuple[str, str]] = []
    for each in along:
        named += each.statements.items()
        values |= each.values
    lock = next((each.lock for each in along if each.lock), "")
    if not statements.rows(_keeping(changed, tuple(named), lock), values):
        db.session.rollback()
        raise VersionConflict("this order was changed in another window")
    if statements.is_in_transaction():
        db.session.commit()
    _as_read(checkout)


def detached(checkout: Checkout) -> Checkout:
    """A checkout that SQLAlchemy has read, out of its session."""
    db.session.expunge(checkout)
    return checkout


# --- rows and objects ---------------------------------------------------------------------------------------


def _found(statement: str, values: Values) -> Checkout | None:
    row = statements.one(statement, values)
    return _made(row) if row is not None else None


def _made(row: Sequence[Any]) -> Checkout:
    checkout = Checkout()
    checkout.__dict__.update(zip(_COLUMNS, row, strict=True))
    make_transient_to_detached(checkout)
    return checkout


def _changed(checkout: Checkout) -> tuple[str, ...]:
    unmodified = inspect(checkout).unmodified
    return tuple(name for name in _COLUMNS if name not in unmodified)


def _as_read(checkout: Checkout) -> None:
    """What it says now is what is in its row."""
    make_transient(checkout)
    make_transient_to_detached(checkout)


def _written(values: Values) -> dict[str, Any]:
    return {name: _as_parameter(name, value) for name, value in values.items()}


def _as_parameter(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return Jsonb(value, json_text)
    return str(value) if isinstance(value, StrEnum) else value  # psycopg would write an enumeration's name.


# --- statements ---------------------------------------------------------------------------------------------

_ALL = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))


def _selecting(condition: str) -> str:
    return sql.SQL("SELECT {} FROM checkouts WHERE ").format(_ALL).as_string() + condition


_BY_ID = _selecting("id = %(id)s")
_OF_CART = _selecting("id = %(id)s AND cart_id = %(cart)s")
_UNFINISHED = _selecting("cart_id = %(cart)s AND status NOT IN ('placed', 'abandoned')")
_LATEST = _selecting("cart_id = %(cart)s ORDER BY id DESC LIMIT 1")

_PREFIXED = sql.SQL("").join(
    sql.SQL(", checkout.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"checkout_{name}"))
    for name in _COLUMNS
)
# Beside the cart's first line alone: a checkout holds every line, and would come once for each.
_BESIDE = """
CROSS JOIN LATERAL (SELECT min(id) AS line FROM cart_lines WHERE cart_id = cart.id) first
LEFT JOIN checkouts checkout ON checkout.cart_id = cart.id AND line.id IS NOT DISTINCT FROM first.line AND """
_WITH_UNFINISHED = cart.cart_statement(
    _PREFIXED.as_string(), _BESIDE + "checkout.status NOT IN ('placed', 'abandoned')"
)
_WITH_CHECKOUT = cart.cart_statement(_PREFIXED.as_string(), _BESIDE + "checkout.id = %(checkout)s")


@lru_cache(64)
def _inserting(names: tuple[str, ...]) -> str:
    return (
        sql.SQL("INSERT INTO checkouts ({}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING {}")
        .format(
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(map(sql.Placeholder, names)),
            _ALL,
        )
        .as_string()
    )


@lru_cache(256)
def _keeping(names: tuple[str, ...], along: tuple[tuple[str, str], ...], lock: str) -> str:
    """The UPDATE of these columns, with what goes along; a row comes back when the version was the one that was read."""
    sets = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names]
    kept = sql.SQL(
        "kept AS (UPDATE checkouts SET {} WHERE id = %(kept_id)s AND version = %(kept_version)s{} RETURNING id)"
    ).format(
        sql.SQL(", ").join(sets),
        # Asked once, before the row is looked for: so the lock is taken first.
        sql.SQL(" AND (SELECT count(*) FROM locked) >= 0" if lock else ""),
    )
    first = [sql.SQL("locked AS (") + sql.SQL(lock) + sql.SQL(")")] if lock else []
    parts = [sql.Identifier(name) + sql.SQL(" AS (") + sql.SQL(each) + sql.SQL(")") for name, each in along]
    all_of_it = sql.SQL(", ").join([*first, kept, *parts])
    return (sql.SQL("WITH ") + all_of_it + sql.SQL(" SELECT id FROM kept")).as_string()
