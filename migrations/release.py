"""Brings a stage's database to this release: its users, its schema, and who may use the tables. Once per release.

    python -m migrations.release --host HOST --admin-secret ARN --region REGION --certificates FILE

The pipeline runs it inside the VPC before any host gets the release. Every step may be repeated. It connects to the
database itself, not through the proxy, which knows the programs' user alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from migrations.roles import MIGRATIONS, make_roles, share_tables
from orders.adapters.aws import CallPolicy, make_client
from orders.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "cartwright"
_PATIENT = CallPolicy(10.0, 4)
_REFUSED = "28"
"""SQLSTATEs of class 28: the password or the token was not accepted."""


def bring_to_release(admin: URL, migrations: URL, say: Callable[[str], None]) -> None:
    """Make the users as `admin`, then upgrade the schema and share its tables as `migrations`."""
    engine = create_engine(admin, poolclass=NullPool)
    with engine.begin() as connection:
        make_roles(connection)
    engine.dispose()
    say("the database's users are as they should be")
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.attributes["database_url"] = migrations.render_as_string(hide_password=False)
    command.upgrade(config, "head")
    engine = create_engine(migrations, poolclass=NullPool)
    with engine.begin() as connection:
        share_tables(connection)
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    engine.dispose()
    say(f"the schema is at revision {revision}")


def first_accepted(urls: Sequence[URL]) -> URL:
    """The first address whose sign-in the database accepts. Raises the last refusal."""
    for url in urls:
        engine = create_engine(url, poolclass=NullPool)
        try:
            engine.connect().close()
            return url
        except OperationalError as error:
            if url is urls[-1] or not _is_refusal(error):
                raise
        finally:
            engine.dispose()
    raise ValueError("no address was given")


def _is_refusal(error: OperationalError) -> bool:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    # libpq tells no SQLSTATE for a sign-in that failed while connecting.
    return state.startswith(_REFUSED) or "authentication failed" in str(error.orig)


def _address(given: argparse.Namespace, user: str, password: str) -> URL:
    query = {"sslmode": "verify-full", "sslrootcert": given.certificates, "connect_timeout": "10"}
    return URL.create("postgresql+psycopg", user, password, given.host, 5432, DATABASE, query)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the database is at this release."""
    parser = argparse.ArgumentParser("python -m migrations.release", description=__doc__)
    parser.add_argument("--host", required=True, help="the database's own host name")
    parser.add_argument(
        "--admin-secret", required=True, help="ARN of the secret that RDS keeps for the admin"
    )
    parser.add_argument("--region", required=True)
    parser.add_argument("--certificates", required=True, help="file with the authorities of RDS")
    given = parser.parse_args(arguments)
    settings = Settings(aws_region=given.region)
    rds: Any = make_client("rds", settings, _PATIENT)

    def token(user: str) -> str:
        return str(
            rds.generate_db_auth_token(DBHostname=given.host, Port=5432, DBUsername=user, Region=given.region)
        )

    found = make_client("secretsmanager", settings, _PATIENT).get_secret_value(SecretId=given.admin_secret)
    secret = json.loads(found["SecretString"])
    # Who makes a role becomes a member of it (PostgreSQL 16), and RDS asks members of rds_iam, however indirect, for a
    # token: after the first run the administrator's password may no longer be asked for.
    passwords = (str(secret["password"]), token(secret["username"]))
    admin = first_accepted([_address(given, secret["username"], each) for each in passwords])
    bring_to_release(admin, _address(given, MIGRATIONS.name, token(MIGRATIONS.name)), _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
