"""Whether this computer can run the lab, why not, and the Debian packages that it needs for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.lab.image import mirrors
from tests.lab.shell import LabError, run, say

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "openssl": "openssl",
}
"""What the lab runs, and the Debian package that brings it."""


def why_not() -> str:
    """Why the lab cannot run here, as a sentence; empty when it can (perhaps after `install_missing`)."""
    if os.geteuid() != 0:
        return "the lab boots machines and needs root: run it as `sudo make ansible`"
    if not shutil.which("apt-get") or not mirrors():
        return (
            "the lab needs a Debian system: its machines are made by mmdebstrap from this system's own mirror"
        )
    if not _may_mount():
        return (
            "the lab needs to mount file systems and to make network namespaces, and this container may not"
        )
    return ""


def install_missing() -> None:
    """Install the Debian packages that are missing. Call it as root, on Debian."""
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if not missing:
        return
    say(f"lab: installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *missing)
    try:
        run(*install, environment=environment)
    except LabError:
        # The package lists may be older than the mirror's files.
        run("apt-get", "update", environment=environment)
        run(*install, environment=environment)


def _may_mount() -> bool:
    """Try it, in namespaces that end with the try: an overlay and a bridge, as the machines will need."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lower", "upper", "scratch", "root"):
            Path(folder, name).mkdir()
        layers = "lowerdir=lower,upperdir=upper,workdir=scratch"
        script = f"mount -t overlay -o {layers} probe root && ip link add probe type bridge"
        tried = subprocess.run(
            ["unshare", "--mount", "--net", "sh", "-c", script], cwd=folder, capture_output=True, check=False
        )
    return tried.returncode == 0
