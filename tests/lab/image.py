"""The base image: a bare Debian as a cloud image would have it, made once and kept as a tarball."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.estate import APT_PROXY_PORT, GATEWAY, PACKAGES, SUITE, Estate
from tests.lab.shell import run, say

PROXY_URL = f"http://{GATEWAY}:{APT_PROXY_PORT}"

# Every machine needs host keys of its own, and has none in the image.
HOST_KEYS_UNIT = """\
[Unit]
Description=Make the ssh host keys of this machine
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
"""

APT_SETTINGS = f"""\
Acquire::http::Proxy "{PROXY_URL}";
// A stored index may be older than it says when the mirror is away.
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
"""


def mirrors() -> tuple[str, ...]:
    """The Debian mirrors that this machine's own apt uses."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    return tuple(dict.fromkeys(uri for uri in listed if "debian" in uri))


def base_is_missing(estate: Estate) -> bool:
    """Whether `ensure_base` has something to do."""
    return not (estate.key.exists() and (estate.base / "etc").is_dir())


def ensure_base(estate: Estate) -> None:
    """Make and unpack the base image where it is missing. Needs the package proxy; safe to repeat."""
    estate.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not estate.key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", estate.key)
    if not estate.tarball.exists():
        _make_tarball(estate.tarball)
    if not (estate.base / "etc").is_dir():
        _unpack(estate)


def _make_tarball(tarball: Path) -> None:
    say(f"lab: making the base image ({SUITE})")
    tarball.parent.mkdir(parents=True, exist_ok=True)
    # mmdebstrap reads the format from the ending, so the unfinished file must end in .tar as well.
    unfinished = tarball.with_name(f"unfinished-{tarball.name}")
    security = [uri for uri in mirrors() if "security" in uri]
    archive = next(uri for uri in mirrors() if "security" not in uri)
    sources = [f"deb {archive} {SUITE} main", f"deb {archive} {SUITE}-updates main"]
    sources += [f"deb {uri} {SUITE}-security main" for uri in security]
    run(
        *("mmdebstrap", "--quiet", "--variant=minbase", f'--aptopt=Acquire::http::Proxy "{PROXY_URL}"'),
        # The package lists stay: machines fetch and unpack only those that have changed since.
        "--skip=cleanup/apt/lists",
        *(f"--include={','.join(PACKAGES)}", SUITE, unfinished, "-"),
        stdin="\n".join(sources) + "\n",
    )
    unfinished.replace(tarball)


def _unpack(estate: Estate) -> None:
    unfinished = estate.folder / f"unfinished-{estate.base.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o755)
    run("tar", "-xf", estate.tarball, "-C", unfinished, "--numeric-owner")
    _prepare(unfinished, estate.key.with_suffix(".pub").read_text(encoding="ascii"))
    unfinished.replace(estate.base)


def _prepare(root: Path, public_key: str) -> None:
    for host_key in root.glob("etc/ssh/ssh_host_*"):
        host_key.unlink()
    (root / "etc/machine-id").write_text("", encoding="ascii")
    (root / "etc/apt/apt.conf.d/90lab").write_text(APT_SETTINGS, encoding="ascii")
    # The package lists are as old as the image; an old date makes Ansible's cache_valid_time see that.
    os.utime(root / "var/lib/apt/lists", (0, 0))
    run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "admin")
    (root / "etc/sudoers.d/admin").write_text("admin ALL=(ALL) NOPASSWD:ALL\n", encoding="ascii")
    (root / "etc/sudoers.d/admin").chmod(0o440)
    (root / "home/admin/.ssh").mkdir(mode=0o700)
    (root / "home/admin/.ssh/authorized_keys").write_text(public_key, encoding="ascii")
    run("chroot", root, "chown", "-R", "admin:admin", "/home/admin/.ssh")
    (root / "etc/systemd/system/host-keys.service").write_text(HOST_KEYS_UNIT, encoding="ascii")
    run("chroot", root, "systemctl", "--quiet", "enable", "host-keys.service", "systemd-networkd.service")
    # A machine without a terminal; its console goes to a file.
    run("chroot", root, "systemctl", "--quiet", "mask", "console-getty.service")
