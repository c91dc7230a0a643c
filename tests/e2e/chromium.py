"""Finding a Chromium to test with: the system's, Debian's package where we may install it, else Playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_SECONDS = 300
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromium(Exception):
    """There is no browser here and none can be had; the text says what was tried."""


def find_chromium() -> str | None:
    """The path of a browser, or None for Playwright's own. Raises NoChromium."""
    if found := _on_this_machine():
        return found
    tried = ["no chromium on the PATH"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        if _succeeds("apt-get", "install", "-y", "--no-install-recommends", "chromium") and (
            found := _on_this_machine()
        ):
            return found
        tried.append("apt-get install chromium failed")
    if _succeeds(sys.executable, "-m", "playwright", "install", "chromium"):
        return None
    raise NoChromium("; ".join([*tried, "playwright install chromium failed"]))


def _on_this_machine() -> str | None:
    given = os.environ.get("CHROMIUM")
    if given and Path(given).exists():
        return given
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _succeeds(*command: str) -> bool:
    try:
        result = subprocess.run(command, capture_output=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
