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

# ruff: noqa: T201 - a program for a terminal.
from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

# They lie beside this file, which a link in /usr/local/sbin names.
from release_folder import build_environment, publish_assets
from release_host import (
    Host,
    Refused,
    await_parts,
    drained,
    end_drain,
    is_active,
    must_be_installed,
    refresh_settings,
    run,
    start_drain,
    switch,
    systemctl,
    units_of,
    wait_until_ready,
)

LOCK = Path("/run/lock/cartwright-release.lock")


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
        run(
            "tar",
            "--extract",
            "--file",
            archive,
            "--directory",
            folder,
            "--no-same-owner",
            "--no-same-permissions",
        )
    run("chmod", "--recursive", "u=rwX,go=rX", folder)
    build_environment(host, folder)
    (folder / "release.env").write_text(f'CARTWRIGHT_RELEASE="{release}"\n', encoding="ascii")
    publish_assets(folder, host.root / "assets" / "static")
    (folder / ".complete").touch()
    return {"changed": True, "release": release}


def migrate(host: Host, release: str) -> dict[str, Any]:
    """Run the release's migrations. Expand-only steps: the release before it keeps working on the new schema."""
    must_be_installed(host, release)
    refresh_settings()
    systemctl("start", f"cartwright-migrate@{release}.service", why="the migration failed")
    return {"changed": host.linked("current") != release, "release": release}


def attempt(host: Host, release: str) -> dict[str, Any]:
    """Start the release beside the current one, on a socket that nobody else knows, and wait until it is ready."""
    must_be_installed(host, release)
    refresh_settings()
    for part in host.parts:
        if not part.get("candidate"):
            continue
        name = part["candidate"]["unit"] + release
        service, borrowed = f"{name}.service", f"{name}.socket"
        try:
            systemctl("start", borrowed, why=f"{borrowed} does not start")
            systemctl("restart", service, why=f"{release} does not start")
            wait_until_ready(part["candidate"]["socket"], [service])
        finally:
            systemctl("stop", service, borrowed)
            systemctl("reset-failed", service)
    return {"changed": False, "release": release}


def activate(host: Host, release: str, tried: bool = False) -> dict[str, Any]:
    """Serve this release; when it is not ready in time, serve the one before again and refuse."""
    must_be_installed(host, release)
    before = host.linked("current")
    if before == release and all(is_active(unit) for unit in units_of(host)):
        return {"changed": False, "release": release}
    if not tried and before != release:
        attempt(host, release)
    with drained(host):
        try:
            switch(host, release)
        except Refused as refusal:
            if before is None or before == release:
                raise
            switch(host, before)
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
    with drained(host):
        switch(host, current)
    return {"changed": True, "release": current}


def drain(host: Host) -> dict[str, Any]:
    """Ask the balancer for no more requests, until `undrain` or a reboot."""
    start_drain(host)
    return {"changed": True}


def undrain(host: Host) -> dict[str, Any]:
    """Take requests again, once the programs are ready."""
    if host.linked("current"):
        await_parts(host)
    end_drain(host)
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
        json.loads(run("tar", "--extract", "--to-stdout", "--file", archive, "release.json"))["release"]
    )


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
