"""What makes an unpacked release complete: its packages, and its static files where nginx serves them."""

# ruff: noqa: S603 - it runs the host's own tools.
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from release_host import Host, run

PIP_FOLDER = Path("/usr/share/python-wheels")

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


def build_environment(host: Host, folder: Path) -> None:
    """Give an unpacked release its virtual environment, and compile what runs in it."""
    venv, wheelhouse = folder / "venv", folder / "wheelhouse"
    alike = _with_the_same_packages(host, folder)
    if alike is None:
        _install_packages(venv, wheelhouse, folder / "requirements.txt")
    else:
        # The same wheels by their hashes, installed on this host before: their files get one more name each.
        run("/usr/bin/python3", "-m", "venv", "--without-pip", venv)
        shutil.rmtree(venv / "lib")
        run("cp", "--archive", "--link", alike / "venv" / "lib", venv / "lib")
    shutil.rmtree(wheelhouse)
    # The programs cannot write beside their code, so it is compiled now; what is shared is compiled already.
    fresh = [path for path in sorted(folder.iterdir()) if path.is_dir() and not (alike and path == venv)]
    run(venv / "bin" / "python", "-m", "compileall", "-q", "-j", "0", *fresh, ok=(0, 1))


def _with_the_same_packages(host: Host, folder: Path) -> Path | None:
    """An installed release whose packages are the same, for the Python that this host has now."""
    wanted = (folder / "requirements.txt").read_bytes()
    library = Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    for release in host.installed():
        found = host.folder(release)
        if (found / "requirements.txt").read_bytes() == wanted and (found / "venv" / library).is_dir():
            return found
    return None


def _install_packages(venv: Path, wheelhouse: Path, requirements: Path) -> None:
    """From the bundle's own wheels, each checked against its hash; a host needs no way to a package index."""
    # Pip comes from Debian's own wheel (a part of python3-venv) and stays out of the release, which needs none.
    pip = max(PIP_FOLDER.glob("pip-*.whl"), default=None)
    run("/usr/bin/python3", "-m", "venv", *(["--without-pip"] if pip else []), venv)
    installing = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(
        *("env", f"PYTHONPATH={pip or ''}", venv / "bin" / "python", *installing),
        *("--no-index", "--no-deps", "--no-compile", "--require-hashes"),
        *("--find-links", wheelhouse, "--requirement", requirements),
    )


def publish_assets(folder: Path, target: Path) -> None:
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
