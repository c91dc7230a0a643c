"""What a person may choose about `make run`: the CARTWRIGHT_ variables that only the laptop's platform reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_REGION = "eu-west-1"


class StartRefused(Exception):
    """The stack was not started, and a person can put it right: the message says how. Exit code 2."""


class StartFailed(Exception):
    """A part of the stack did not come up although nothing was in its way. Exit code 1."""


@dataclass(frozen=True)
class Options:
    """The choices of one run. A port of None means: the usual one, or the next free one."""

    home: Path
    """Where all data lives: the database, the local AWS, logs, run.json."""
    shop_port: int | None = None
    inbox_port: int | None = None
    aws_port: int | None = None
    postgres_port: int | None = None
    database_url: str | None = None
    """An own PostgreSQL to use instead of starting one."""
    postgres_binaries: Path | None = None
    """A folder with `initdb` and `postgres` to use instead of the wheel's."""
    region: str = DEFAULT_REGION
    aws_via_port: int | None = None
    """The shop's programs reach the local AWS through this port: a chaos run listens there and breaks connections."""
    postgres_via_port: int | None = None
    """The same for PostgreSQL."""
    aws_faults: Path | None = None
    """A file in which a chaos run names faults of the local AWS (see aws_faults.py)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Options:
        """Read the choices; raises StartRefused, naming the variable, for a value that cannot be meant."""
        binaries = environment.get("CARTWRIGHT_PG_BIN")
        faults = environment.get("CARTWRIGHT_AWS_FAULTS")
        return cls(
            home=Path(environment.get("CARTWRIGHT_HOME") or ".local").absolute(),
            shop_port=_port(environment, "CARTWRIGHT_PORT"),
            inbox_port=_port(environment, "CARTWRIGHT_INBOX_PORT"),
            aws_port=_port(environment, "CARTWRIGHT_AWS_PORT"),
            postgres_port=_port(environment, "CARTWRIGHT_POSTGRES_PORT"),
            database_url=environment.get("CARTWRIGHT_DATABASE_URL") or None,
            postgres_binaries=Path(binaries).absolute() if binaries else None,
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or DEFAULT_REGION,
            aws_via_port=_port(environment, "CARTWRIGHT_AWS_VIA_PORT"),
            postgres_via_port=_port(environment, "CARTWRIGHT_POSTGRES_VIA_PORT"),
            aws_faults=Path(faults).absolute() if faults else None,
        )


def _port(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StartRefused(f"{name}={text} is not a port. Give a number from 1 to 65535, or leave it out.")
    return int(text)
