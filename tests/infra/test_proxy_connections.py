"""Behind RDS Proxy a session must hold nothing that its next transaction could miss: then connections are shared."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url, text

from orders.adapters.rds.engine import make_engine
from orders.settings import Settings

OFTEN = 12
"""psycopg prepares what it is asked for the sixth time."""


def prepared_after_asking_often(engine: Engine) -> int:
    """How many prepared statements a session holds after one question was asked again and again."""
    with engine.connect() as connection:
        for number in range(OFTEN):
            connection.execute(text("SELECT CAST(:number AS int) + 1"), {"number": number})
        found = connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
        return int(found.scalar_one())


@pytest.mark.parametrize("is_behind_the_proxy", [True, False])
def test_a_session_behind_the_proxy_prepares_nothing(
    database_url: str, is_behind_the_proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the proxy it does: preparing saves PostgreSQL the planning of each query."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")  # The token is signed with these.
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    engine = make_engine(Settings(database_url=database_url, database_iam_auth=is_behind_the_proxy))

    @event.listens_for(engine, "do_connect")
    def _sign_in(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        # This PostgreSQL knows no IAM token, which the engine has put here.
        parameters["password"] = make_url(database_url).password

    try:
        assert (prepared_after_asking_often(engine) == 0) is is_behind_the_proxy
    finally:
        engine.dispose()
