#!/usr/bin/python3
"""cartwright-release: brings releases onto this host, switches between them, and goes back when one is not ready.

The one way a release is installed and switched: deploy.yml calls it on the hosts, and so do CodeDeploy's hooks. It needs
nothing but Python's standard library and systemd, and reads what it must know from /etc/cartwright.

    cartwright-release install ARCHIVE [--sha256 HASH]   unpack, build the virtual environment; serves nothing yet
    cartwright-release migrate RELEASE                   bring the database's schema up to this release
    cartwright-release try RELEASE                       start it aside and ask whether it is ready; takes no traffic
    cartwright-release activate RELEASE                  drain, switch, restart, ask; goes back by itself on failure
    cartwright-release rollback                          activate the release before the current one
    cartwright-release restart                           restart the current release's programs
    cartwright-release drain                             fail the balancer's health check, serve on
    cartwright-release undrain                           wait until the programs are ready, then take requests again
    cartwright-release prune                             delete old releases
    cartwright-release status                            print what is installed, as JSON

The last line of output is JSON with `changed`. Exit code 1: the release was refused, and the host serves what it did.
"""

# ruff: noqa: S603, S607, T201 - a program for a terminal, that runs the host's own tools.
from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/cartwright/release.json")
PARTS = Path("/etc/cartwright/release.d")
LOCK = Path("/run/lock/cartwright-release.lock")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
READY_SECONDS = 60
ANSWER_SECONDS = 5
RESTARTS_UNTIL_HOPELESS = 3
"""A unit that systemd had to start again so often is not slow, it is broken."""


EXPORT_ASSETS = """
import gzip, pathlib, sys
from webapp.assets import STATIC, content, hashed_name
for path in STATIC.rglob("*"):
    if path.is_file():
        name = path.relative_to(STATIC).as_posix()
        file = pathlib.Path(sys.argv[1], hashed_name(name))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content(name))
        if path.suffix in {".css", ".js", ".svg", ".json", ".txt", ".webmanifest"}:
            zipped = gzip.compress(content(name), compresslevel=9, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(zipped)
"""
"""Run by the release's own interpreter: it knows the names, and what a stylesheet says under its name."""


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


def install(host: Host, archive: Path, sha256: str | None) -> dict[str, Any]:
    """Unpack a bundle (or take a folder that CodeDeploy unpacked) and build its virtual environment. Safe to repeat."""
    if sha256 and archive.is_file():
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise Refused(f"{archive} has the hash {found}, not {sha256}")
    release = _release_name(archive)
    folder = host.folder(release)
    if host.is_installed(release):
        return {"changed": False, "release": release}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o755)
    if archive.is_dir():
        shutil.copytree(archive, folder, symlinks=True, dirs_exist_ok=True)
    else:
        _run(
            "tar",
            "--extract",
            "--file",
            archive,
            "--directory",
            folder,
            "--no-same-owner",
            "--no-same-permissions",
        )
    _run("chmod", "--recursive", "u=rwX,go=rX", folder)
    _build_environment(folder)
    (folder / "release.env").write_text(f'CARTWRIGHT_RELEASE="{release}"\n', encoding="ascii")
    _publish_assets(folder, host.root / "assets" / "static")
    (folder / ".complete").touch()
    return {"changed": True, "release": release}


def migrate(host: Host, release: str) -> dict[str, Any]:
    """Run the release's migrations. Expand-only steps: the release before it keeps working on the new schema."""
    _must_be_installed(host, release)
    _refresh_settings()
    _systemctl("start", f"cartwright-migrate@{release}.service", why="the migration failed")
    return {"changed": host.linked("current") != release, "release": release}


def attempt(host: Host, release: str) -> dict[str, Any]:
    """Start the release beside the current one, on a socket that nobody else knows, and wait until it is ready."""
    _must_be_installed(host, release)
    _refresh_settings()
    for part in host.parts:
        if not part.get("candidate"):
            continue
        name = part["candidate"]["unit"] + release
        service, borrowed = f"{name}.service", f"{name}.socket"
        try:
            _systemctl("start", borrowed, why=f"{borrowed} does not start")
            _systemctl("restart", service, why=f"{release} does not start")
            _wait_until_ready(part["candidate"]["socket"], [service])
        finally:
            _systemctl("stop", service, borrowed)
            _systemctl("reset-failed", service)
    return {"changed": False, "release": release}


def activate(host: Host, release: str, tried: bool = False) -> dict[str, Any]:
    """Serve this release; when it is not ready in time, serve the one before again and refuse."""
    _must_be_installed(host, release)
    before = host.linked("current")
    if before == release and all(_is_active(unit) for unit in _units(host)):
        return {"changed": False, "release": release}
    if not tried and before != release:
        attempt(host, release)
    with _drained(host):
        try:
            _switch(host, release)
        except Refused as refusal:
            if before is None or before == release:
                raise
            _switch(host, before)
            raise Refused(f"{refusal}\n{before} serves again") from refusal
    if before != release:
        host.link("previous", before)
    return {"changed": True, "release": release, "previous": before}


def rollback(host: Host) -> dict[str, Any]:
    """Go back to the release before the current one. It ran here, so it is not tried aside first: seconds count."""
    previous = host.linked("previous")
    if previous is None:
        raise Refused("there is no earlier release to go back to")
    return activate(host, previous, tried=True)


def restart(host: Host) -> dict[str, Any]:
    """Restart the programs, so that they read their settings again. Does nothing before the first release."""
    current = host.linked("current")
    if current is None:
        return {"changed": False}
    with _drained(host):
        _switch(host, current)
    return {"changed": True, "release": current}


def drain(host: Host) -> dict[str, Any]:
    """Ask the balancer for no more requests, until `undrain` or a reboot."""
    _start_drain(host)
    return {"changed": True}


def undrain(host: Host) -> dict[str, Any]:
    """Take requests again, once the programs are ready."""
    if host.linked("current"):
        _await_parts(host)
    _end_drain(host)
    return {"changed": True}


def prune(host: Host) -> dict[str, Any]:
    """Delete all but the youngest releases, never the current one or the one before it."""
    protected = {host.linked("current"), host.linked("previous")}
    spare = [release for release in host.installed() if release not in protected]
    room = max(0, host.kept - len(protected - {None}))
    for release in spare[room:]:
        (host.folder(release) / ".complete").unlink()
        shutil.rmtree(host.folder(release))
    # Assets are hard links to the releases' files: one that has no other name left belongs to no release any more.
    for path in (host.root / "assets").rglob("*"):
        if path.is_file() and path.stat().st_nlink == 1:
            path.unlink()
    return {"changed": bool(spare[room:]), "deleted": spare[room:]}


def status(host: Host) -> dict[str, Any]:
    """What is here."""
    return {
        "changed": False,
        "current": host.linked("current"),
        "previous": host.linked("previous"),
        "installed": host.installed(),
    }


def _release_name(archive: Path) -> str:
    if archive.is_dir():
        return str(json.loads((archive / "release.json").read_text("utf-8"))["release"])
    if not archive.is_file():
        raise Refused(f"there is no bundle {archive}")
    return str(
        json.loads(_run("tar", "--extract", "--to-stdout", "--file", archive, "release.json"))["release"]
    )


def _build_environment(folder: Path) -> None:
    venv = folder / "venv"
    _run("/usr/bin/python3", "-m", "venv", venv)
    # From the bundle's own wheels, each checked against its hash; a host needs no way to a package index.
    _run(
        *(
            venv / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-compile",
        ),
        *("--disable-pip-version-check", "--require-hashes", "--find-links", folder / "wheelhouse"),
        *("--requirement", folder / "requirements.txt"),
    )
    shutil.rmtree(folder / "wheelhouse")
    # The programs cannot write beside their code, so it is compiled now.
    _run(venv / "bin" / "python", "-m", "compileall", "-q", "-j", "0", folder, ok=(0, 1))


def _publish_assets(folder: Path, target: Path) -> None:
    """Put the static files where nginx serves them, under the names that the release itself gives them.

    While two releases are served by different hosts, each host can so answer for the files of both. A release that
    cannot say its names publishes none: its web server answers for them, if it starts at all.
    """
    export = folder / "assets"
    subprocess.run(
        [str(folder / "venv" / "bin" / "python"), "-c", EXPORT_ASSETS, str(export)],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    for path in sorted(export.rglob("*")) if export.is_dir() else []:
        if path.is_file():
            asset = target / path.relative_to(export)
            asset.parent.mkdir(parents=True, exist_ok=True)
            _link_over(path, asset)


def _link_over(path: Path, link: Path) -> None:
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    os.link(path, fresh)
    fresh.replace(link)


def _must_be_installed(host: Host, release: str) -> None:
    if not host.is_installed(release):
        raise Refused(f"{release} is not installed here; there are: {', '.join(host.installed()) or 'none'}")


def _switch(host: Host, release: str) -> None:
    host.link("current", release)
    for part in host.parts:
        for unit in part.get("sockets", []):
            _systemctl("start", unit, why=f"{unit} does not start")
        _systemctl("restart", *part["units"], why=f"{release} does not start")
    _await_parts(host)


def _await_parts(host: Host) -> None:
    """Wait until all that this host serves is ready."""
    for part in host.parts:
        if part.get("socket"):
            _wait_until_ready(part["socket"], part["units"])
        elif not all(_is_active(unit) for unit in part["units"]):
            raise Refused(f"{part['units'][0]} does not keep running: see journalctl -u {part['units'][0]}")


def _start_drain(host: Host) -> None:
    """Fail the balancer's health check, and give it the time to notice; the programs serve on."""
    draining = [part for part in host.parts if part.get("drain_file") and all(map(_is_active, part["units"]))]
    for part in draining:
        Path(part["drain_file"]).touch()
    if draining:
        time.sleep(max(float(part["drain_seconds"]) for part in draining))


def _end_drain(host: Host) -> None:
    for part in host.parts:
        if part.get("drain_file"):
            Path(part["drain_file"]).unlink(missing_ok=True)


@contextlib.contextmanager
def _drained(host: Host) -> Iterator[None]:
    """Ask the balancer for no more requests until the work is done."""
    _start_drain(host)
    try:
        yield
    finally:
        _end_drain(host)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(self._path)


def _wait_until_ready(path: str, units: list[str]) -> None:
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


def _refresh_settings() -> None:
    _systemctl("restart", "cartwright-settings.service")


def _units(host: Host) -> list[str]:
    return [unit for part in host.parts for unit in part["units"]]


def _is_active(unit: str) -> bool:
    return _property(unit, "ActiveState") == "active"


def _restarts(unit: str) -> int:
    return int(_property(unit, "NRestarts") or 0)


def _property(unit: str, name: str) -> str:
    return _run("systemctl", "show", "--property", name, "--value", unit).strip()


def _systemctl(verb: str, *units: str, why: str = "") -> None:
    """Carry out a verb; its failure is a refusal when there is a reason to give, and no matter otherwise."""
    done = subprocess.run(["systemctl", verb, *units], capture_output=True, text=True, check=False)
    if done.returncode and why:
        raise Refused(f"{why}: see journalctl -u {units[0]}\n{done.stderr.strip()}")


def _run(*command: str | Path, ok: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode not in ok:
        raise Refused(f"{command[0]} failed ({done.returncode}): {done.stderr.strip()[-2000:]}")
    return done.stdout


PLAIN_VERBS = {
    "rollback": rollback,
    "restart": restart,
    "drain": drain,
    "undrain": undrain,
    "prune": prune,
    "status": status,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cartwright-release")
    verbs = parser.add_subparsers(dest="verb", required=True)
    installing = verbs.add_parser("install", help="unpack a bundle and build its virtual environment")
    installing.add_argument("archive", type=Path)
    installing.add_argument("--sha256")
    for verb in ("migrate", "try", "activate"):
        acting = verbs.add_parser(verb)
        acting.add_argument("release")
        if verb == "activate":
            acting.add_argument("--tried", action="store_true", help="it was tried aside a moment ago")
    for verb in PLAIN_VERBS:
        verbs.add_parser(verb)
    return parser.parse_args()


def _carry_out(host: Host, given: argparse.Namespace) -> dict[str, Any]:
    if given.verb == "install":
        return install(host, given.archive, given.sha256)
    if given.verb == "activate":
        return activate(host, given.release, given.tried)
    if given.verb in {"migrate", "try"}:
        return {"migrate": migrate, "try": attempt}[given.verb](host, given.release)
    return PLAIN_VERBS[given.verb](host)


def main() -> int:
    """Carry out one verb, alone on this host."""
    given = _arguments()
    with LOCK.open("w") as lock:
        if given.verb != "status":
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            done = _carry_out(Host.here(), given)
        except Refused as refusal:
            print(f"cartwright-release: {refusal}", file=sys.stderr)
            return 1
    print(json.dumps(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
