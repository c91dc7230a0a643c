"""A stage's database before a release: its users, their limits and rights, and the schema, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from local.postgres import Cluster
from local.temporary import temporary_postgres
from migrations.release import bring_to_release, first_accepted
from migrations.roles import IAM_GROUP, MIGRATIONS, PROGRAMS, READER, ROLES, make_roles
from orders.adapters.rds.engine import LOCK_TIMEOUT_MILLISECONDS, STATEMENT_TIMEOUT_MILLISECONDS

pytestmark = pytest.mark.timeout(180)
ADMIN, PASSWORD = "cartwright_admin", "only-for-this-test"


class Database:
    """A database as RDS gives it: an administrator who is no superuser and owns it, and the group rds_iam."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.said: list[str] = []
        self.owner(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(IAM_GROUP)))
        # The laptop's owner role has the programs' name; on RDS nobody has it yet.
        for statement in (
            "DROP DATABASE cartwright",
            "DROP ROLE cartwright",
            f"CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'",
            f"GRANT {IAM_GROUP} TO {ADMIN} WITH ADMIN OPTION",
            f"CREATE DATABASE cartwright OWNER {ADMIN}",
        ):
            self.owner(sql.SQL(statement))
        engine = create_engine(self.url(ADMIN), poolclass=NullPool)
        with engine.begin() as connection:
            make_roles(connection)
        engine.dispose()
        # Signing in with a token is RDS's own; here each user gets a password.
        for role in ROLES:
            self.owner(sql.SQL(f"ALTER ROLE {role.name} PASSWORD '{PASSWORD}'"))

    def owner(self, statement: sql.Composable) -> None:
        """As the superuser, which RDS gives to nobody."""
        with psycopg.connect(self.cluster.superuser_dsn(), autocommit=True) as connection:
            connection.execute(statement)

    def url(self, user: str, password: str = PASSWORD) -> URL:
        """How a user signs in."""
        return make_url(self.cluster.url("cartwright")).set(username=user, password=password)

    def bring(self) -> None:
        """What the pipeline does before a release."""
        bring_to_release(self.url(ADMIN), self.url(MIGRATIONS.name), self.said.append)

    def ask(self, user: str, statement: str) -> list[tuple[object, ...]]:
        """As one of the users, in a session of its own."""
        dsn = self.url(user).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn, autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The database after its first release, and after the same release once more."""
    with temporary_postgres(tmp_path_factory.mktemp("rds")) as cluster:
        made = Database(cluster)
        made.bring()
        made.bring()
        yield made


def test_the_schema_is_at_the_newest_revision_and_a_repeat_changes_nothing(database: Database) -> None:
    """Both runs end at the same revision."""
    assert database.said[1] == database.said[3]
    assert "revision" in database.said[1]


def test_a_programs_session_has_its_limits_without_asking(database: Database) -> None:
    """RDS Proxy takes no start-up options: the user itself carries what engine.py asks for elsewhere."""
    shown = {
        name: database.ask(PROGRAMS.name, f"SHOW {name}")[0][0]
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone")
    }
    assert shown == {
        "statement_timeout": f"{STATEMENT_TIMEOUT_MILLISECONDS // 1000}s",
        "lock_timeout": f"{LOCK_TIMEOUT_MILLISECONDS // 1000}s",
        "idle_in_transaction_session_timeout": "1min",
        "timezone": "UTC",
    }


def test_the_programs_change_rows_and_no_tables(database: Database) -> None:
    """A fault in a page must not be able to drop a table."""
    database.ask(PROGRAMS.name, "INSERT INTO search_words (word, frequency) VALUES ('mug', 1)")
    assert database.ask(PROGRAMS.name, "SELECT frequency FROM search_words WHERE word = 'mug'") == [(1,)]
    for forbidden in (
        "DROP TABLE search_words",
        "CREATE TABLE own (id int)",
        "ALTER TABLE orders ADD x int",
        "TRUNCATE search_words",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            database.ask(PROGRAMS.name, forbidden)
    database.ask(PROGRAMS.name, "DELETE FROM search_words")


def test_the_reader_reads_and_nothing_else(database: Database) -> None:
    """What examines a restored database cannot change it."""
    assert database.ask(READER.name, "SELECT count(*) FROM orders") == [(0,)]
    with pytest.raises(errors.ReadOnlySqlTransaction):
        database.ask(READER.name, "DELETE FROM orders")
    with pytest.raises(errors.InsufficientPrivilege):
        database.ask(READER.name, "START TRANSACTION READ WRITE; DELETE FROM orders")


def test_a_table_of_a_later_migration_is_shared_without_a_grant_of_its_own(database: Database) -> None:
    """The host's own `migrate` step makes no grants; the defaults do."""
    database.ask(MIGRATIONS.name, "CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    database.ask(PROGRAMS.name, "INSERT INTO later (word) VALUES ('mug')")
    assert database.ask(READER.name, "SELECT word FROM later") == [("mug",)]
    database.ask(MIGRATIONS.name, "DROP TABLE later")


def test_each_user_signs_in_by_token_on_rds(database: Database) -> None:
    """Membership of rds_iam is what makes RDS ask for a token."""
    for role in ROLES:
        assert database.ask(role.name, "SELECT pg_has_role('rds_iam', 'MEMBER')") == [(True,)], role.name


def test_the_second_way_to_sign_in_is_tried_when_the_first_is_refused(database: Database) -> None:
    """After the first run RDS may ask the administrator for a token instead of the password."""
    wrong, right = database.url(ADMIN, "wrong"), database.url(ADMIN)
    assert first_accepted([wrong, right]) == right
    with pytest.raises(Exception, match="authentication failed"):
        first_accepted([wrong, wrong])
