"""The one maker of database engines: time limits, IAM sign-in, and SQLAlchemy's errors as the domain's.

Every program connects through here, so that no query, lock or lost host can hold a process for longer than it says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from orders.adapters.rds.at_hand import PING_AFTER_IDLE_SECONDS, SharingPool
from orders.domain.errors import StorageAway, Unavailable
from orders.settings import Settings

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_MILLISECONDS = 10_000
LOCK_TIMEOUT_MILLISECONDS = 4_000
POOL_TIMEOUT_SECONDS = 5.0
RECYCLE_SECONDS = 1_800
"""Connections are renewed so that a failover or a rotated password is followed within half an hour."""
_IDLE_SINCE = "cartwright_idle_since"
TCP_SILENCE_SECONDS = 15
"""A host that vanished without closing its connections is noticed after about this long."""

_TRY_AGAIN = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53400",  # configuration_limit_exceeded
        "55P03",  # lock_not_available
        "57014",  # query_canceled: our statement timeout
        "25P03",  # idle_in_transaction_session_timeout
    }
)
"""SQLSTATEs that say nothing against the statement (PostgreSQL manual, appendix A)."""
_AWAY = frozenset(
    {
        "53100",  # disk_full
        "53300",  # too_many_connections
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "58000",  # system_error
        "58030",  # io_error
        "25006",  # read_only_sql_transaction: still talking to the old primary after a failover
    }
)
"""SQLSTATEs with which any statement would have been answered, and class 08: the connection is lost."""


def make_engine(settings: Settings, program: str = "cartwright") -> Engine:
    """An engine for one program, connecting on first use. `program` is shown in pg_stat_activity."""
    engine = create_engine(
        settings.database_url,
        poolclass=SharingPool,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_size,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_recycle=RECYCLE_SECONDS,
        # The connection that was used last has the statements prepared and its process awake.
        pool_use_lifo=True,
        json_serializer=json_text,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": program,
            **_time_limits(settings),
            **_what_the_proxy_can_share(settings),
            "keepalives_idle": TCP_SILENCE_SECONDS // 3,
            "keepalives_interval": TCP_SILENCE_SECONDS // 3,
            "keepalives_count": 2,
            "tcp_user_timeout": TCP_SILENCE_SECONDS * 1000,
        },
    )
    _ping_after_idling(engine)
    if settings.database_iam_auth:
        _sign_in_with(engine, _iam_token(settings, engine))
    return engine


def _ping_after_idling(engine: Engine) -> None:
    """Ask a pooled connection whether it still lives, when it was idle for a while: a restart, a failover, a firewall.

    In place of pool_pre_ping, which asks before every use and so doubles the round trips of a page with one query.
    """

    @event.listens_for(engine, "checkin")
    def _rest(_connection: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _wake(connection: Any, record: Any, _proxy: Any) -> None:
        idle_since = record.info.get(_IDLE_SINCE)
        if idle_since is None or time.monotonic() - idle_since < PING_AFTER_IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise DisconnectionError from error  # The pool then connects anew.


def _time_limits(settings: Settings) -> dict[str, str]:
    """The session's limits as start-up options. RDS Proxy takes none: behind it the role itself carries them."""
    if settings.database_iam_auth:
        return {}
    limits = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} -c lock_timeout={LOCK_TIMEOUT_MILLISECONDS}"
    )
    return {"options": f"{limits} -c timezone=UTC"}


def _what_the_proxy_can_share(settings: Settings) -> dict[str, None]:
    """No prepared statements behind RDS Proxy: one in a session pins the session to its own connection for good (RDS User
    Guide, "Avoiding pinning an RDS Proxy"). psycopg would prepare what it is asked for the sixth time.
    """
    return {"prepare_threshold": None} if settings.database_iam_auth else {}


def json_text(value: Any) -> str:
    """Compact JSON, refusing what PostgreSQL's json type would refuse later."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _sign_in_with(engine: Engine, password: Callable[[], str]) -> None:
    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["password"] = password()


def _iam_token(settings: Settings, engine: Engine) -> Callable[[], str]:
    """RDS takes a signed URL as password, valid for 15 minutes; signing asks nobody and takes under a millisecond."""
    from orders.adapters.aws import CallPolicy, make_client

    client = make_client("rds", settings, CallPolicy(2.0, 1))
    url = engine.url

    def token() -> str:
        return str(
            client.generate_db_auth_token(
                DBHostname=url.host,
                Port=url.port or 5432,
                DBUsername=url.username,
                Region=settings.aws_region,
            )
        )

    return token


@contextmanager
def database_errors(action: str) -> Iterator[None]:
    """Turn "the database is away or full" into StorageAway, "it is busy or undecided" into Unavailable; a wrong statement
    stays the bug that it is.
    """
    try:
        yield
    except PoolTimeout as error:
        raise StorageAway(f"{action}: every database connection is in use") from error
    except DBAPIError as error:
        if _is_away(error):
            raise StorageAway(f"{action}: {_what_is_wrong(error)}") from error
        if _state(error) in _TRY_AGAIN:
            raise Unavailable(f"{action}: {_what_is_wrong(error)}") from error
        raise


def _is_away(error: DBAPIError) -> bool:
    """Whether any statement would have failed, told by SQLSTATE and connection state, never by text."""
    if state := _state(error):
        return state in _AWAY or state.startswith("08")
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def _what_is_wrong(error: DBAPIError) -> str:
    if state := _state(error):
        return state
    return f"the database does not answer ({type(error).__name__})"


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
