"""How root starts PostgreSQL, which refuses to run as root.

The first choice is a user namespace in which root is `nobody`: files stay root's, no system user is made, no
directory opened. Containers often forbid that; there the server becomes the real `nobody` and owns its data.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.options import StartRefused


@dataclass(frozen=True)
class Disguise:
    """What goes before a PostgreSQL program, and who must own its files."""

    prefix: tuple[str, ...]
    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make the path, and all below it, belong to whom PostgreSQL runs as; nothing when it does already."""
        if path.stat().st_uid == self.uid or os.geteuid() != 0:
            return
        os.chown(path, self.uid, self.gid)
        for below in path.rglob("*"):
            os.chown(below, self.uid, self.gid, follow_symlinks=False)

    def check_reach(self, *paths: Path) -> None:
        """Raise StartRefused naming the first of the paths that PostgreSQL could not get to."""
        if not self.prefix:
            return
        for path in paths:
            if subprocess.run([*self.prefix, "test", "-x", str(path)], stdin=subprocess.DEVNULL).returncode:
                raise StartRefused(
                    f"PostgreSQL does not run as root, and the user `nobody` cannot reach {path}.\n"
                    "Run as an ordinary user, or move it where others may pass: CARTWRIGHT_HOME for the data,\n"
                    "VENV=/somewhere/else for make's virtual environment."
                )


@functools.cache
def disguise() -> Disguise:
    """How this user starts PostgreSQL. Raises StartRefused for a root that has no way."""
    if os.geteuid() != 0:
        return Disguise((), os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    mapped = (f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    namespace = ("unshare", "--user", *mapped, "--")
    if _works(namespace):
        return Disguise(namespace, 0, 0)
    real = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--")
    if _works(real):
        return Disguise(real, nobody.pw_uid, nobody.pw_gid)
    raise StartRefused(
        "PostgreSQL refuses to run as root, and neither `unshare` nor `setpriv` (util-linux) works here.\n"
        "Run as an ordinary user, or set CARTWRIGHT_DATABASE_URL to a PostgreSQL of your own."
    )


def _works(prefix: tuple[str, ...]) -> bool:
    if not shutil.which(prefix[0]):
        return False
    done = subprocess.run([*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0
