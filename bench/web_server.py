"""gunicorn as the shop runs it, on a free port and for the length of a block, with stores of its own behind it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.temporary import temporary_aws
from orders.settings import Settings, environment_name
from tests.aws_resources import create_resources

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 90.0
STOP_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class WebServer:
    """Where it listens, and its master process."""

    port: int
    pid: int

    def processes(self) -> list[int]:
        """The master and its workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def cpu_seconds(self) -> float:
        """The processor time that its processes have used so far."""
        ticks = 0
        for pid in self.processes():
            after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(after_name[11]) + int(after_name[12])  # proc(5): utime and stime, fields 14 and 15.
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """What its processes hold that nobody else shares with them, together (USS)."""
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1]) * 1024
        return total


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(application: str, environment: Mapping[str, str], workers: int = 1) -> Iterator[WebServer]:
    """gunicorn with the shop's own configuration."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "webapp/gunicorn.conf.py", "--workers", str(workers),
             "--bind", f"127.0.0.1:{port}", application],
            cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _await(port, process)
            yield WebServer(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"gunicorn ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not open its port")


def local_stores(stack: ExitStack, folder: Path) -> tuple[dict[str, str], Settings]:
    """A local AWS with the shop's tables and queues: the environment for a program, and the settings for this process."""
    aws = stack.enter_context(temporary_aws(folder))
    os.environ.update(aws.client_environment())
    settings = Settings(aws_region=aws.region, aws_endpoint_url=aws.endpoint_url)
    made: dict[str, Any] = dict(create_resources(settings, prefix="bench"))
    names = {environment_name(name): str(value) for name, value in made.items()}
    return {
        **aws.client_environment(),
        **names,
        "CARTWRIGHT_LOG_FORMAT": "json",
    }, replace(settings, **made)
