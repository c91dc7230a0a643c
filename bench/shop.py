"""The shop under test: a running `make run`, found by its run.json, or one started for the measurement."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orders.settings import Settings

START_SECONDS = 240.0
STOP_SECONDS = 120.0


class ShopUnavailable(Exception):
    """There is no shop to measure; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the shop is and which processes it has."""

    home: Path

    @property
    def facts(self) -> Mapping[str, Any]:
        """run.json as it is now: the processes change when one is restarted."""
        facts: Mapping[str, Any] = json.loads((self.home / "run.json").read_text("utf-8"))
        return facts

    @property
    def url(self) -> str:
        """The shop's address."""
        return str(self.facts["urls"]["shop"])

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to work on the same stores."""
        return dict(self.facts["environment"])

    @property
    def settings(self) -> Settings:
        """The shop's settings; this process from now on talks to the shop's AWS and to no other."""
        environment = self.environment
        os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
        return Settings.from_environment(environment)

    def pids(self) -> dict[str, int]:
        """The process ids of now, by name."""
        return {name: pid for name, pid in self.facts["pids"].items() if pid}


def find_shop(home: Path) -> Shop:
    """The shop that runs in this home. Raises ShopUnavailable."""
    shop = Shop(home)
    if not (home / "run.json").exists():
        raise ShopUnavailable(f"no shop runs in {home}; start it with: CARTWRIGHT_HOME={home} make run")
    return shop


@contextmanager
def started_shop(home: Path, **environment: str) -> Iterator[Shop]:
    """A shop of our own in `home` for the length of the block; its data stays there."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "run"],
            env={**os.environ, "CARTWRIGHT_HOME": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(process, home / "run.json", log)
        yield Shop(home)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


def _await(process: subprocess.Popen[bytes], run_file: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not run_file.exists():
        if process.poll() is not None:
            raise ShopUnavailable(f"the shop did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        if time.monotonic() > deadline:
            raise ShopUnavailable(f"the shop was not ready after {START_SECONDS:.0f} s; see {log}")
        time.sleep(0.1)
