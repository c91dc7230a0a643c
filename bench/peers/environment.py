"""What the peers stand on: a throw-away environment with pinned packages, and a Redis of our own."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import any_free

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
VENV = ROOT / "build" / "peers"
NO_REDIS = (
    "There is no redis-server on this machine, so RQ, Dramatiq and Celery on Redis cannot be measured beside the worker."
    " On Debian, as root: apt-get install redis-server. Or leave the peers out: --without-peers."
)


def peers_python() -> Path:
    """The interpreter of the peers' environment, built from requirements.txt when it is not there or is out of date."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp, python = VENV / "stamp", VENV / "bin" / "python"
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        print(f"building {VENV} from {REQUIREMENTS.name} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([str(python), *install, "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted, "ascii")
    return python


def redis_binary() -> str:
    """Where redis-server is. Raises SystemExit with what to do when it is not there."""
    found = shutil.which("redis-server")
    if found is None:
        raise SystemExit(NO_REDIS)
    return found


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, int]]:
    """A Redis on loopback with a port and folder of its own, without persistence: its URL and process id."""
    port = any_free()
    folder.mkdir(parents=True, exist_ok=True)
    command = [redis_binary(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    process = subprocess.Popen(
        [*command, "--save", "", "--appendonly", "no", "--daemonize", "no"], stdout=subprocess.DEVNULL
    )
    try:
        _await(port, process)
        yield f"redis://127.0.0.1:{port}/0", process.pid
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("redis-server does not start") from None
            time.sleep(0.05)
