"""What the lab is made of: its machines, their addresses, its folder; nothing here touches the system."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

BRIDGE = "br-cartwright"
NETWORK = "10.231.7"
"""The first three numbers of the lab's own /24. It exists on a bridge inside this machine and nowhere else."""
GATEWAY = f"{NETWORK}.1"
"""This machine's own address on the bridge: package proxy, PostgreSQL and the local AWS listen there."""

APT_PROXY_PORT = 3142
AWS_PORT = 4566
POSTGRES_PORT = 5533
INBOX_PORT = 8125

ADDRESSES = {
    "lb1": f"{NETWORK}.5",
    "web1": f"{NETWORK}.11",
    "web2": f"{NETWORK}.12",
    "worker1": f"{NETWORK}.21",
    # A spare one, for what is done to a bare host: the boot by user data.
    "fresh1": f"{NETWORK}.31",
}
MACHINES = ("lb1", "web1", "web2", "worker1")

SUITE = "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "openssh-server",
    "sudo",
    "python3",
    "python3-apt",
    "iproute2",
    "ca-certificates",
    "curl",
    "logrotate",
    "nftables",
    "unattended-upgrades",
)
"""What a bare cloud image of Debian has as well, and no more: the roles install the rest."""
MARK = "CARTWRIGHT_LAB_PART"
"""Every process of the lab carries this variable, with the lab's folder: so all are found, whoever started them."""
BASE_REVISION = "2"
"""Raise it when the preparation of the base image in image.py changes."""


@dataclass(frozen=True)
class Estate:
    """CARTWRIGHT_LAB: caches that are kept, and the machines that are not."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Estate:
        """The folder that the person chose, or the usual one."""
        chosen = os.environ.get("CARTWRIGHT_LAB")
        return cls(Path(chosen).absolute() if chosen else Path.home() / ".cache" / "cartwright-lab")

    @property
    def environment(self) -> dict[str, str]:
        """For the programs of the lab: that of this process, with the folder and the mark."""
        return {**os.environ, "CARTWRIGHT_LAB": str(self.folder), MARK: str(self.folder)}

    @property
    def cache(self) -> Path:
        """Kept for ever: packages, base images, wheels."""
        return self.folder / "cache"

    @property
    def tarball(self) -> Path:
        """The base image. Its name changes with what goes into it."""
        recipe = f"{SUITE} {' '.join(PACKAGES)} {BASE_REVISION}"
        return self.cache / f"base-{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.tar"

    @property
    def base(self) -> Path:
        """The unpacked base image, the lower layer of every machine."""
        return self.folder / self.tarball.stem

    @property
    def key(self) -> Path:
        """The ssh key of the user `admin` on every machine."""
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        """The machines' host keys, forgotten when the machines are."""
        return self.folder / "known_hosts"

    @property
    def home(self) -> Path:
        """Data of PostgreSQL and of the local AWS."""
        return self.folder / "home"

    @property
    def run(self) -> Path:
        """Process ids and logs of what runs now."""
        return self.folder / "run"

    def machine(self, name: str) -> Machine:
        """One machine by its name; raises KeyError for one that the lab does not know."""
        return Machine(name, ADDRESSES[name], self.folder / "machines" / name)

    def machines_made(self) -> list[Machine]:
        """The machines that have a folder now, running or not."""
        folder = self.folder / "machines"
        return [self.machine(entry.name) for entry in sorted(folder.iterdir())] if folder.is_dir() else []


@dataclass(frozen=True)
class Machine:
    """One booted system: its address, and a copy-on-write root over the base image."""

    name: str
    address: str
    folder: Path

    @property
    def upper(self) -> Path:
        """What this machine changed."""
        return self.folder / "upper"

    @property
    def scratch(self) -> Path:
        """The overlay file system's own working folder."""
        return self.folder / "scratch"

    @property
    def root(self) -> Path:
        """Where the machine's root file system is mounted."""
        return self.folder / "root"

    @property
    def wanted(self) -> Path:
        """Exists as long as the machine shall run: its keeper boots it again after a reboot or a crash."""
        return self.folder / "wanted"

    @property
    def keeper_pid(self) -> Path:
        """Process id of the keeper."""
        return self.folder / "keeper.pid"

    @property
    def nspawn_pid(self) -> Path:
        """Process id of systemd-nspawn, the parent of the machine's process 1."""
        return self.folder / "nspawn.pid"

    @property
    def console(self) -> Path:
        """What the machine said on its console."""
        return self.folder / "console.log"
