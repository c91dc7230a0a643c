"""What the tests stand on: a real PostgreSQL and the local AWS, one of each per test process, started on first use.

`database_url` is a fresh database per test, copied from a migrated template; `aws_settings` is a Settings whose tables,
queues and topic were created for this test from the project's own templates. Neither sleeps, neither is shared.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql

from local.aws import LocalAws
from local.postgres import OWNER, Cluster, create_database
from local.temporary import temporary_aws, temporary_postgres
from orders.settings import Settings
from tests.aws_resources import create_resources
from tests.compiled_once import compiled_once

os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
TEMPLATE = "migrated_template"
NewDatabase = Callable[[], AbstractContextManager[str]]

# A property is about values, not about how long a busy machine takes over one of them. The same commit draws the same
# examples everywhere; whoever wants others: CARTWRIGHT_EXPLORE=1 make test.
hypothesis.settings.register_profile(
    "repeatable",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CARTWRIGHT_EXPLORE" not in os.environ,
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Applications that tests start share the code of their addresses and templates."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL server for this test process, without durability."""
    with temporary_postgres(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated_template(postgres: Cluster) -> str:
    """The name of a database in which every migration has run; tests copy it."""
    from alembic import command
    from alembic.config import Config

    create_database(postgres.superuser_dsn(), TEMPLATE)
    config = Config(toml_file=str(Path("pyproject.toml")))
    config.attributes["database_url"] = postgres.url(TEMPLATE)
    command.upgrade(config, "head")
    return TEMPLATE


@pytest.fixture(scope="session")
def new_database(postgres: Cluster, migrated_template: str) -> Iterator[NewDatabase]:
    """Makes migrated, empty databases by one connection; each is dropped when its block ends."""
    with psycopg.connect(postgres.superuser_dsn(), autocommit=True) as superuser:

        @contextmanager
        def make() -> Iterator[str]:
            url = postgres.url(name := f"test_{uuid.uuid4().hex[:12]}")
            database = {"name": sql.Identifier(name), "template": sql.Identifier(migrated_template)}
            create = "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} STRATEGY wal_log"
            superuser.execute(sql.SQL(create).format(**database, owner=sql.Identifier(OWNER)))
            yield url
            superuser.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**database))

        yield make


@pytest.fixture
def database_url(new_database: NewDatabase) -> Iterator[str]:
    """The SQLAlchemy URL of a migrated, empty database that belongs to this test alone."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The local AWS for this test process; it keeps nothing."""
    with temporary_aws(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture
def aws_environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The local AWS, with the AWS_ variables of this process pointing at it."""
    for name, value in aws.client_environment().items():
        monkeypatch.setenv(name, value)
    return aws


@pytest.fixture
def aws_settings(aws_environment: LocalAws) -> Settings:
    """Settings with tables, queues and a topic of their own, made as cloudformation/ describes them."""
    settings = Settings(aws_region=aws_environment.region, aws_endpoint_url=aws_environment.endpoint_url)
    return replace(settings, **create_resources(settings, prefix=f"t{uuid.uuid4().hex[:10]}"))


@pytest.fixture
def settings(aws_settings: Settings, database_url: str) -> Settings:
    """Settings with both: the local AWS and a database."""
    return replace(aws_settings, database_url=database_url)
