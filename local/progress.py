"""What a person sees while the stack comes up: one line per step, with its time."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

WIDTH = 34


@dataclass
class Step:
    """One line of progress; the step fills in what it found while it works."""

    detail: str = ""


@dataclass
class Progress:
    """Writes to a terminal or a file. Output that nobody can read any more (a closed terminal) is dropped."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    started: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show the title while the body runs, then the time it took and what it found."""
        step = Step()
        begun = time.monotonic()
        if self._is_terminal():
            self._write(f"  {title} …")
        try:
            yield step
        except BaseException:
            if self._is_terminal():
                self._write("\n")
            raise
        dots = "." * max(2, WIDTH - len(title))
        seconds = time.monotonic() - begun
        line = f"  {title} {dots} {seconds:5.1f} s   {step.detail}".rstrip()
        self._write(("\r\033[K" if self._is_terminal() else "") + line + "\n")

    def say(self, text: str) -> None:
        """One line (or block) of plain text."""
        self._write(text + "\n")

    def elapsed_seconds(self) -> float:
        """Since this run began."""
        return time.monotonic() - self.started

    def _is_terminal(self) -> bool:
        try:
            return self.stream.isatty()
        except ValueError:  # The stream is closed.
            return False

    def _write(self, text: str) -> None:
        # The run goes on without its terminal until SIGHUP or SIGTERM says otherwise.
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()
