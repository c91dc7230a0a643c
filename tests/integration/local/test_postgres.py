"""PostgreSQL under our own supervisor: real, private, durable, and back after a kill."""

from __future__ import annotations

import os
import pwd
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import privileges
from local.options import StartRefused
from local.ports import any_free
from local.postgres import DURABLE, OWNER, Cluster, create_database, find_binaries
from local.supervisor import Supervisor
from tests.integration.local.waiting import listening_addresses, until

LOOPBACK_HEX = "0100007F"


def dsn(cluster: Cluster, database: str = OWNER) -> str:
    return cluster.url(database).replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(say=print)
    yield supervisor
    supervisor.stop_all()


@pytest.fixture(scope="module")
def keeper() -> Iterator[Supervisor]:
    """Keeps the server of the tests that only look at it, or bring it back."""
    keeper = Supervisor(say=print)
    yield keeper
    keeper.stop_all()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, keeper: Supervisor) -> Cluster:
    folder = tmp_path_factory.mktemp("running")
    cluster = Cluster(folder / "home" / "postgres", find_binaries(), any_free(), DURABLE)
    assert cluster.initialise()
    keeper.start(cluster.child(folder / "postgres.log"))
    cluster.ensure_owner_and_database()
    return cluster


def test_rows_outlive_a_kill_of_the_server(running: Cluster, keeper: Supervisor) -> None:
    """kill -9 of the postmaster: the supervisor brings it back, and what was committed is there."""
    with psycopg.connect(dsn(running)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first = keeper.pids()["postgres"]
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        keeper.look()
        return keeper.pids()["postgres"] != first and running.answers()

    until(is_back, "PostgreSQL to be back")
    with psycopg.connect(dsn(running)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_it_listens_on_the_loopback_address_only(running: Cluster, keeper: Supervisor) -> None:
    """Nobody on the network reaches the laptop's database."""
    assert listening_addresses(keeper.pids()["postgres"]) == {LOOPBACK_HEX}


def test_a_wrong_password_is_refused(running: Cluster) -> None:
    """Local connections are not trusted: another user of the machine gets nothing."""
    wrong = f"postgresql://{OWNER}:wrong@127.0.0.1:{running.port}/{OWNER}"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_programs_role_is_no_superuser(running: Cluster) -> None:
    """As on RDS: code that needs a superuser fails here first."""
    with psycopg.connect(dsn(running)) as connection:
        assert connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)


def test_passwords_are_readable_for_their_owner_alone(running: Cluster) -> None:
    """The files beside the data directory hold the only secrets of the cluster."""
    files = list(running.data.parent.glob("*.password"))
    assert len(files) == 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_data_of_another_major_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    """PostgreSQL would refuse as well, but without saying what to do."""
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("13\n")
    cluster = Cluster(data, find_binaries(), any_free())
    with pytest.raises(StartRefused, match=r"written by PostgreSQL 13(?s:.)*move the folder away"):
        cluster.initialise()


def test_an_interrupted_initdb_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    """The half-made folder of a killed first start is thrown away, not opened."""
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("16\n")
    cluster = Cluster(tmp_path / "postgres", find_binaries(), any_free())
    assert cluster.initialise()
    assert (cluster.data / "global" / "pg_control").exists()
    assert not unfinished.exists()


def test_a_database_is_a_copy_of_its_template(running: Cluster) -> None:
    """What tests rely on: their own database, made from a migrated one."""
    admin = running.superuser_dsn()
    create_database(admin, "template")
    with psycopg.connect(dsn(running, "template")) as connection:
        connection.execute("CREATE TABLE things AS SELECT 1 AS n")
    for _ in range(2):  # The second time replaces the first.
        create_database(admin, "copy", "template")
        with psycopg.connect(dsn(running, "copy")) as connection:
            assert connection.execute("SELECT n FROM things").fetchall() == [(1,)]
            connection.execute("DELETE FROM things")


def test_a_folder_without_postgres_is_refused_by_its_variable(tmp_path: Path) -> None:
    """CARTWRIGHT_PG_BIN that points nowhere is named in the message."""
    with pytest.raises(StartRefused, match="CARTWRIGHT_PG_BIN"):
        find_binaries(tmp_path)


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in many containers: `unshare --user` is forbidden."""
    if os.geteuid() != 0:
        pytest.skip("only root needs another user for PostgreSQL")
    real = privileges._works
    monkeypatch.setattr(privileges, "_works", lambda prefix: prefix[0] != "unshare" and real(prefix))
    privileges.disguise.cache_clear()
    yield
    privileges.disguise.cache_clear()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through; pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_root_in_a_container_runs_it_as_nobody(
    no_namespaces: None, open_folder: Path, supervisor: Supervisor
) -> None:
    """Where user namespaces are forbidden, the server becomes `nobody` and owns its data, and only that."""
    cluster = Cluster(open_folder / "home" / "postgres", find_binaries(), any_free(), DURABLE)
    cluster.initialise()
    supervisor.start(cluster.child(open_folder / "postgres.log"))
    cluster.ensure_owner_and_database()
    with psycopg.connect(dsn(cluster)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    nobody = pwd.getpwnam("nobody").pw_uid
    assert Path(f"/proc/{supervisor.pids()['postgres']}").stat().st_uid == nobody
    assert (cluster.data / "PG_VERSION").stat().st_uid == nobody
    assert cluster.data.parent.stat().st_mode & 0o777 == 0o711


def test_data_changes_hands_when_the_way_to_run_it_changes(open_folder: Path, supervisor: Supervisor) -> None:
    """Written in a container as `nobody`, opened later where namespaces work."""
    if os.geteuid() != 0:
        pytest.skip("only root needs another user for PostgreSQL")
    cluster = Cluster(open_folder / "postgres", find_binaries(), any_free(), DURABLE)
    cluster.initialise()
    for path in (cluster.data, *cluster.data.rglob("*")):
        os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    assert not cluster.initialise()
    supervisor.start(cluster.child(open_folder / "postgres.log"))
    assert cluster.answers()


def test_a_home_that_nobody_can_reach_is_refused_with_a_way_out(no_namespaces: None, tmp_path: Path) -> None:
    """Root's own home is closed to `nobody`; the message says what to move."""
    (tmp_path / "closed").mkdir(mode=0o700)
    cluster = Cluster(tmp_path / "closed" / "home" / "postgres", find_binaries(), any_free(), DURABLE)
    with pytest.raises(StartRefused, match="CARTWRIGHT_HOME for the data"):
        cluster.initialise()
