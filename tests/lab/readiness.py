"""Whether this computer can run the lab, why not, and the Debian packages that it needs for it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.aptproxy import DIRECT, MIRROR_TIMEOUT_SECONDS
from tests.lab.estate import SUITE, Estate
from tests.lab.image import base_is_missing, mirrors
from tests.lab.machines import bridge_owner, cgroup_folders
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
LOCK = Path("/run/lock/cartwright-lab")
"""Whoever runs the lab's tests holds it: the bridge and its addresses are there once on a computer."""
ROOM_BYTES = 4 << 30
"""For the caches and the disks of the machines, which take 2 GB at most."""


@contextmanager
def alone() -> Iterator[str]:
    """For as long as the block runs no other run of the tests has the lab; or, as a sentence, that one has it now."""
    try:
        lock = LOCK.open("w")
    except OSError:
        # Without root, or on another system: `why_not` says it better.
        yield ""
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield "another run of the lab's tests is under way on this computer, which has room for one"
        else:
            yield ""


def why_not() -> str:
    """Why the lab cannot run here, as a sentence; empty when it can (perhaps after `prepare`). Changes nothing."""
    if os.geteuid() != 0:
        return "the lab boots machines and needs root: run it as `sudo make ansible`"
    if not shutil.which("apt-get") or not mirrors():
        return (
            "the lab needs a Debian system: its machines are made by mmdebstrap from this system's own mirror"
        )
    if refusal := _mounting_fails():
        return f"the lab mounts file systems and makes network namespaces, which fails here: {refusal}"
    if not _may_make_groups():
        return "each machine of the lab needs a control group of its own, and none can be made here"
    return ""


def prepare() -> str:
    """Install the Debian packages that the lab lacks. Why it cannot run here, as a sentence; empty when it can now."""
    if reason := why_not() or _is_taken(Estate.from_environment()):
        return reason
    if base_is_missing(Estate.from_environment()) and (refusal := _mirror_is_away()):
        return (
            f"the lab makes its machines from the packages of a Debian mirror, and there is none: {refusal}"
        )
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if not missing:
        return ""
    say(f"lab: installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *missing)
    try:
        run(*install, environment=environment)
    except LabError:
        # The package lists may be older than the mirror's files.
        try:
            run("apt-get", "update", environment=environment)
            run(*install, environment=environment)
        except LabError as error:
            return (
                f"the lab needs the Debian packages {' '.join(missing)}, and apt does not get them: {error}"
            )
    return ""


def _is_taken(estate: Estate) -> str:
    """What stands in the way of this lab, and is none of its business."""
    if (owner := bridge_owner()) not in {"", str(estate.folder)}:
        return f"another lab is up on this computer, in {owner}: `CARTWRIGHT_LAB={owner} python -m tests.lab down`"
    there = next(folder for folder in (estate.folder, *estate.folder.parents) if folder.is_dir())
    if (free := shutil.disk_usage(there).free) < ROOM_BYTES:
        return f"the lab needs {ROOM_BYTES >> 30} GB of room in {there}, and there are {free / (1 << 30):.1f}"
    return ""


def _mirror_is_away() -> str:
    """Ask the mirror as the lab's package proxy will: for the index from which the machines are made."""
    archive = next(uri for uri in mirrors() if "security" not in uri)
    try:
        with DIRECT.open(f"{archive.rstrip('/')}/dists/{SUITE}/InRelease", timeout=MIRROR_TIMEOUT_SECONDS):
            return ""
    except OSError as error:
        return f"{archive}: {error}"


def _mounting_fails() -> str:
    """Try it, in namespaces that end with the try: the file systems and the network that each machine will need."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lower", "upper", "scratch", "root"):
            Path(folder, name).mkdir()
        layers = "lowerdir=lower,upperdir=upper,workdir=scratch"
        script = (
            f"mount -t overlay -o {layers} probe root && mkdir root/proc root/sys"
            " && mount -t proc probe root/proc && mount -t sysfs probe root/sys"
            " && ip link add probe type bridge && ip link add probe0 type veth peer name probe1"
        )
        tried = subprocess.run(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "sh", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    return (tried.stderr.strip() or f"exit code {tried.returncode}") if tried.returncode else ""


def _may_make_groups() -> bool:
    """Try it, beside the groups of the machines."""
    for folder in cgroup_folders(f"probe-{os.getpid()}"):
        probe = folder.parent.with_name(folder.name)
        try:
            probe.mkdir()
            probe.rmdir()
        except OSError:
            return False
    return True
