"""PostgreSQL and the local AWS for tests: the same servers, in a folder of the test session, fast and forgetful."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import LocalAws
from local.options import DEFAULT_REGION
from local.ports import any_free
from local.postgres import FAST_AND_FORGETFUL, Cluster, find_binaries
from local.supervisor import Supervisor


@contextmanager
def temporary_postgres(folder: Path, port: int | None = None) -> Iterator[Cluster]:
    """A running PostgreSQL without durability. One per test session; give each test a database of its own:

    `create_database(cluster.superuser_dsn(), name, template)` takes about 30 ms, and the strings that
    `cluster.url(name)` and `cluster.superuser_dsn()` return can be handed to other processes.
    """
    cluster = Cluster(folder / "postgres", find_binaries(), port or any_free(), FAST_AND_FORGETFUL)
    cluster.initialise()
    supervisor = Supervisor(say=print)
    try:
        supervisor.start(cluster.child(folder / "postgres.log"))
        cluster.ensure_owner_and_database()
        yield cluster
    finally:
        supervisor.stop_all()


@contextmanager
def temporary_aws(folder: Path, port: int | None = None, region: str = DEFAULT_REGION) -> Iterator[LocalAws]:
    """A running local AWS that keeps nothing. `POST {endpoint_url}/_ministack/reset` empties it between tests."""
    aws = LocalAws(folder / "aws", port or any_free(), region, folder / "mail", keep_state=False)
    aws.prepare()
    supervisor = Supervisor(say=print)
    try:
        supervisor.start(aws.child(folder / "aws.log"))
        yield aws
    finally:
        supervisor.stop_all()
