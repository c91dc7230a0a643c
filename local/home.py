"""The folder that holds everything of one laptop's Cartwright, and who may use it now."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from local.options import StartRefused

NEEDED_BYTES = 400_000_000
"""A fresh database, its log, the local AWS with its Lambdas and room for a day of orders."""


@dataclass(frozen=True)
class Home:
    """CARTWRIGHT_HOME. Deleting the folder while nothing runs gives a fresh shop."""

    path: Path

    @property
    def postgres(self) -> Path:
        """The data directory of PostgreSQL."""
        return self.path / "postgres"

    @property
    def aws(self) -> Path:
        """State of the local AWS."""
        return self.path / "aws"

    @property
    def mail(self) -> Path:
        """What the in-box has seen."""
        return self.path / "mail"

    @property
    def logs(self) -> Path:
        """One log per child."""
        return self.path / "logs"

    @property
    def run_file(self) -> Path:
        """run.json: exists while the stack is ready, and says where everything is."""
        return self.path / "run.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor while it lives; holds its process id."""
        return self.path / "run.lock"

    def log(self, name: str) -> Path:
        """The log of one child."""
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Make the folder; raises StartRefused when that is impossible or the disk is nearly full."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise StartRefused(
                f"Cannot write to {self.path}: {error.strerror}. Set CARTWRIGHT_HOME elsewhere."
            ) from error
        if free < NEEDED_BYTES:
            raise StartRefused(
                f"Only {free // 1_000_000} MB are free where {self.path} lies; {NEEDED_BYTES // 1_000_000} MB are needed.\n"
                "Free some space, or set CARTWRIGHT_HOME to a folder on another disk."
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this process; raises StartRefused when another run holds it."""
        with self.lock_file.open("a+") as file:
            if not _lock_soon(file):
                raise StartRefused(self._already_running())
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def supervisor_pid(self) -> int | None:
        """The process id of the run that holds the folder now, or None."""
        try:
            with self.lock_file.open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    text = file.read().strip()
                    return int(text) if text.isdigit() else None
        except FileNotFoundError:
            pass
        return None

    def write_run_file(self, content: Mapping[str, Any]) -> None:
        """Publish run.json in one step, readable for its owner alone: it holds the database password."""
        write_private(self.run_file, json.dumps(content, indent=2) + "\n")

    def read_run_file(self) -> dict[str, Any] | None:
        """run.json of the running stack, or None while it is not ready."""
        try:
            content = json.loads(self.run_file.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return content if isinstance(content, dict) else None

    def remove_run_file(self) -> None:
        """The stack is no longer ready."""
        self.run_file.unlink(missing_ok=True)

    def _already_running(self) -> str:
        pid = self.supervisor_pid()
        run = self.read_run_file()
        where = f"  The shop: {run['urls']['shop']}\n" if run else ""
        return (
            f"Cartwright already runs on {self.path} (process {pid or 'unknown'}).\n{where}"
            "Stop it with `make stop`, or start a second one with another CARTWRIGHT_HOME."
        )


def _lock_soon(file: IO[str]) -> bool:
    """Lock the file; a few tries, because `status` holds a shared lock for an instant while it looks."""
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def write_private(path: Path, text: str) -> None:
    """Replace the file's content in one step, with mode 0600 from its first byte on."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
