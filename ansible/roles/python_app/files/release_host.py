"""This host as the release tool sees it: its releases and links, its units, and whether they are ready."""

# ruff: noqa: S603, S607 - it runs the host's own tools.
from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/cartwright/release.json")
PARTS = Path("/etc/cartwright/release.d")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
READY_SECONDS = 60
ANSWER_SECONDS = 5
RESTARTS_UNTIL_HOPELESS = 3
"""A unit that systemd had to start again so often is not slow, it is broken."""


class Refused(Exception):
    """What was asked for was not done; the text says why."""


class Host:
    """The releases of one host, and the parts (web, worker) that it serves with them."""

    def __init__(self, config: dict[str, Any], parts: list[dict[str, Any]]) -> None:
        self.root = Path(config["root"])
        self.kept = int(config["releases_kept"])
        self.parts = parts

    @classmethod
    def here(cls) -> Host:
        """As the roles described this host."""
        parts = [json.loads(path.read_text("utf-8")) for path in sorted(PARTS.glob("*.json"))]
        return cls(json.loads(CONFIG.read_text("utf-8")), parts)

    def folder(self, release: str) -> Path:
        """Where a release lies; refuses a name that could lead elsewhere."""
        if not NAME.match(release):
            raise Refused(f"{release!r} is no name of a release")
        return self.root / "releases" / release

    def is_installed(self, release: str) -> bool:
        """Whether it is there in full."""
        return (self.folder(release) / ".complete").exists()

    def installed(self) -> list[str]:
        """All releases that are there in full, the youngest first."""
        marks = list((self.root / "releases").glob("*/.complete"))
        return [
            mark.parent.name for mark in sorted(marks, key=lambda mark: mark.stat().st_mtime, reverse=True)
        ]

    def linked(self, link: str) -> str | None:
        """The release behind `current` or `previous`."""
        path = self.root / link
        return path.readlink().name if path.is_symlink() else None

    def link(self, link: str, release: str | None) -> None:
        """Point `current` or `previous` to a release in one step; None removes it."""
        if release is None:
            (self.root / link).unlink(missing_ok=True)
            return
        fresh = self.root / f".{link}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / release)
        fresh.replace(self.root / link)


def must_be_installed(host: Host, release: str) -> None:
    """Refuse a release that is not here in full."""
    if not host.is_installed(release):
        raise Refused(f"{release} is not installed here; there are: {', '.join(host.installed()) or 'none'}")


def switch(host: Host, release: str) -> None:
    """Serve this release from now on. Refuses when it is not ready in time; it stays linked then."""
    host.link("current", release)
    for part in host.parts:
        for unit in part.get("sockets", []):
            systemctl("start", unit, why=f"{unit} does not start")
        systemctl("restart", *part["units"], why=f"{release} does not start")
    await_parts(host)


def await_parts(host: Host) -> None:
    """Wait until all that this host serves is ready."""
    for part in host.parts:
        if part.get("socket"):
            wait_until_ready(part["socket"], part["units"])
        elif not all(is_active(unit) for unit in part["units"]):
            raise Refused(f"{part['units'][0]} does not keep running: see journalctl -u {part['units'][0]}")


def start_drain(host: Host) -> None:
    """Fail the balancer's health check, and give it the time to notice; the programs serve on."""
    draining = [part for part in host.parts if part.get("drain_file") and all(map(is_active, part["units"]))]
    for part in draining:
        Path(part["drain_file"]).touch()
    if draining:
        time.sleep(max(float(part["drain_seconds"]) for part in draining))


def end_drain(host: Host) -> None:
    """Pass the balancer's health check again."""
    for part in host.parts:
        if part.get("drain_file"):
            Path(part["drain_file"]).unlink(missing_ok=True)


@contextlib.contextmanager
def drained(host: Host) -> Iterator[None]:
    """Ask the balancer for no more requests until the work is done."""
    start_drain(host)
    try:
        yield
    finally:
        end_drain(host)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(self._path)


def wait_until_ready(path: str, units: list[str]) -> None:
    """Wait for 200 from /readyz on the program's own socket, past nginx and its drain."""
    deadline = time.monotonic() + READY_SECONDS
    answer = "no answer"
    while time.monotonic() < deadline:
        try:
            connection = _UnixConnection(path)
            connection.request("GET", "/readyz", headers={"X-Forwarded-Proto": "https"})
            reply = connection.getresponse()
            if reply.status == 200:
                return
            answer = f"{reply.status} {reply.read(500).decode('utf-8', 'replace')}"
        except (OSError, http.client.HTTPException) as error:
            answer = str(error)
        for unit in units:
            if _restarts(unit) >= RESTARTS_UNTIL_HOPELESS or _property(unit, "ActiveState") == "failed":
                raise Refused(f"{unit} dies again and again: see journalctl -u {unit}")
        time.sleep(0.2)
    raise Refused(f"not ready within {READY_SECONDS} s: {answer}")


def refresh_settings() -> None:
    """Read the settings from AWS again; the ones from before stay when it does not answer."""
    systemctl("restart", "cartwright-settings.service")


def units_of(host: Host) -> list[str]:
    """Every unit that serves the current release here."""
    return [unit for part in host.parts for unit in part["units"]]


def is_active(unit: str) -> bool:
    """Whether systemd says that the unit is up."""
    return _property(unit, "ActiveState") == "active"


def _restarts(unit: str) -> int:
    return int(_property(unit, "NRestarts") or 0)


def _property(unit: str, name: str) -> str:
    return run("systemctl", "show", "--property", name, "--value", unit).strip()


def systemctl(verb: str, *units: str, why: str = "") -> None:
    """Carry out a verb; its failure is a refusal when there is a reason to give, and no matter otherwise."""
    done = subprocess.run(["systemctl", verb, *units], capture_output=True, text=True, check=False)
    if done.returncode and why:
        raise Refused(f"{why}: see journalctl -u {units[0]}\n{done.stderr.strip()}")


def run(*command: str | Path, ok: tuple[int, ...] = (0,)) -> str:
    """Run a program to its end and return its output; another exit code than these is a refusal."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode not in ok:
        raise Refused(f"{command[0]} failed ({done.returncode}): {done.stderr.strip()[-2000:]}")
    return done.stdout
