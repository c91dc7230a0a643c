"""A program that does one thing and ends, such as migrating the database: started aside, its result asked for later."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.aws import REPOSITORY
from local.child import Child, spawn, tail
from local.options import StartFailed

LONGEST_SECONDS = 300.0


@dataclass(frozen=True)
class Task:
    """A task on its way."""

    child: Child
    process: subprocess.Popen[bytes]

    def result(self) -> str:
        """Wait for its end; the last line it wrote. Raises StartFailed with the end of its log when it failed."""
        try:
            code = self.process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise StartFailed(f"{self.child.title} took longer than {LONGEST_SECONDS:.0f} s.") from error
        if code:
            raise StartFailed(
                f"{self.child.title} failed. The end of {self.child.log}:\n{tail(self.child.log, 25)}"
            )
        return tail(self.child.log, 1)


@contextmanager
def task(title: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Task]:
    """Run `python ARGUMENTS` aside, its output in `log`; killed when the block ends before it does."""
    log.unlink(missing_ok=True)
    child = Child("task", title, [sys.executable, *arguments], log, environment, REPOSITORY)
    process = spawn(child)
    try:
        yield Task(child, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
