"""Makes the bundles that hosts install: a release of the programs, and the playbooks that configure the hosts.

    python ansible/bundle.py release [--python 3.11] [--machine x86_64] [--output build]
    python ansible/bundle.py hosts   [--python 3.12] [--machine aarch64] [--output build]

A bundle is complete: code and every wheel, each of them checked against the hashes in requirements/, so that a host
needs no package index. The same sources give the same bundle, byte for byte, and its name carries their hash. The last
line printed is the bundle's path; beside it lies a file with its hash.
"""

# ruff: noqa: S603, S607, T201 - a program for a terminal, that runs git and pip.
from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE_NAME = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
GLIBC_TAGS = (
    "manylinux_2_28",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux_2_12",
    "manylinux2010",
    "manylinux_2_5",
)
"""Wheels for these run on Debian 12 (glibc 2.36) and everything younger."""


CODEDEPLOY_STEPS = ("empty", "install", "activate", "validate")


@dataclass(frozen=True)
class Kind:
    """What goes into a bundle."""

    name: str
    prefix: str
    folders: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Single files: where each lies, and what it is called in the bundle."""
    wanted: tuple[str, ...]
    """Files in requirements/ that name the packages."""
    lock: str
    """The file in requirements/ with versions and hashes."""
    only: frozenset[str] = frozenset()
    """Of the files of `wanted`, these packages alone; empty for all."""


RELEASE = Kind(
    name="release",
    prefix="cartwright",
    folders=("orders", "webapp", "worker", "migrations"),
    # Alembic reads where the migrations are from pyproject.toml.
    files=(
        ("pyproject.toml", "pyproject.toml"),
        ("ansible/codedeploy/appspec.yml", "appspec.yml"),
        *((f"ansible/codedeploy/hooks/{step}.sh", f"hooks/{step}.sh") for step in CODEDEPLOY_STEPS),
    ),
    wanted=("webapp.in", "worker.in"),
    lock="run.txt",
)
HOSTS = Kind(
    name="hosts",
    prefix="hosts",
    folders=("ansible",),
    files=(),
    wanted=("lint.in",),
    lock="lint.txt",
    only=frozenset({"ansible-core"}),
)
KINDS = {kind.name: kind for kind in (RELEASE, HOSTS)}


class BundleError(Exception):
    """No bundle was made; the text says why."""


@dataclass(frozen=True)
class Target:
    """The hosts that a bundle is for."""

    python: str
    machine: str

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose the wheels of the hosts, whatever computer this is."""
        platforms = [f"--platform={tag}_{self.machine}" for tag in GLIBC_TAGS]
        version = f"--python-version={self.python}"
        return ["--only-binary=:all:", "--implementation=cp", f"--abi=cp{self.python.replace('.', '')}",
                "--abi=abi3", "--abi=none", version, *platforms, f"--platform=linux_{self.machine}"]  # fmt: skip


def make(
    kind: Kind, target: Target, output: Path, source: Path = REPOSITORY, wheels: Path | None = None
) -> Path:
    """Make a bundle in `output` and return its path. `wheels` is a folder in which downloads are kept."""
    content = dict(_sources(kind, source))
    with _wheelhouse(kind, target, wheels) as wheelhouse:
        requirements = _pinned(sorted(wheelhouse.glob("*.whl")), REPOSITORY / "requirements" / kind.lock)
        content["requirements.txt"] = requirements.encode()
        name = _name(kind, target, content, source)
        facts = {
            "release": name,
            "python": target.python,
            "machine": target.machine,
            "commit": _commit(source),
        }
        content["release.json"] = (json.dumps(facts, indent=2) + "\n").encode()
        output.mkdir(parents=True, exist_ok=True)
        bundle = output / f"{kind.prefix}-{name}.tar.gz"
        _write_tar(bundle, content, wheelhouse)
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    bundle.with_name(f"{bundle.name}.sha256").write_text(f"{digest}  {bundle.name}\n", encoding="ascii")
    return bundle


def _sources(kind: Kind, source: Path) -> Iterator[tuple[str, bytes]]:
    for folder in kind.folders:
        for path in sorted((source / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(source).as_posix(), path.read_bytes()
    for path, name in kind.files:
        yield name, (source / path if (source / path).exists() else REPOSITORY / path).read_bytes()


def wheel_folder(kind: Kind, target: Target, wheels: Path) -> Path:
    """Where the wheels of a bundle are kept: another folder for each lock file and target."""
    named = [REPOSITORY / "requirements" / name for name in (kind.lock, *kind.wanted)]
    recipe = repr((kind.name, kind.only, target, *(path.read_text("utf-8") for path in named)))
    return wheels / f"wheels-{kind.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


@contextmanager
def _wheelhouse(kind: Kind, target: Target, wheels: Path | None) -> Iterator[Path]:
    """A folder with exactly the wheels of the bundle; downloaded once where they are kept."""
    with tempfile.TemporaryDirectory() as scratch:
        kept = wheel_folder(kind, target, wheels or Path(scratch))
        if not kept.is_dir():
            unfinished = kept.with_name(f"unfinished-{kept.name}")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            _download(kind, target, unfinished)
            unfinished.replace(kept)
        yield kept


def _download(kind: Kind, target: Target, folder: Path) -> None:
    lock = REPOSITORY / "requirements" / kind.lock
    wanted = [REPOSITORY / "requirements" / name for name in kind.wanted]
    with tempfile.TemporaryDirectory() as scratch:
        # The versions without their hashes: with hashes pip would want each package of the file, for every program.
        constraints = Path(scratch, "constraints.txt")
        lines = [line.split("\\")[0].strip() for line in lock.read_text("utf-8").splitlines()]
        constraints.write_text(
            "\n".join(line for line in lines if PACKAGE_NAME.match(line)), encoding="utf-8"
        )
        packages = sorted(kind.only) or [word for path in wanted for word in ("--requirement", str(path))]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                   "--dest", str(folder), "--constraint", str(constraints), *target.pip_options, *packages]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"pip cannot download the wheels:\n{done.stderr.strip()}")


def _pinned(wheels: Iterable[Path], lock: Path) -> str:
    """A requirements file of exactly these wheels with their hashes, each of which the lock file must know."""
    known = set(HASH.findall(lock.read_text("utf-8")))
    lines = []
    for wheel in wheels:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest not in known:
            raise BundleError(f"{wheel.name} has the hash {digest}, which {lock.name} does not know")
        name, version = wheel.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{digest}\n")
    return "".join(lines)


def _name(kind: Kind, target: Target, content: dict[str, bytes], source: Path) -> str:
    digest = hashlib.sha256(repr((kind.name, target)).encode())
    for name, data in sorted(content.items()):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return f"{_moment(source)}-{digest.hexdigest()[:10]}"


def _moment(source: Path) -> str:
    """When the commit was made, to the minute."""
    if archived := _archived(source):
        _, _, day, time, _ = archived
        return f"{day.replace('-', '')}-{time[:5].replace(':', '')}"
    moment = _git(source, "show", "--no-patch", "--date=format:%Y%m%d-%H%M", "--format=%cd", "HEAD")
    return moment or "unversioned"


def _commit(source: Path) -> str:
    archived = _archived(source)
    return archived[1] if archived else _git(source, "rev-parse", "HEAD")


def _archived(source: Path) -> list[str]:
    """What `git archive` wrote into RELEASE: the commit, short and long, and its day, time and zone; else nothing."""
    written = source / "RELEASE"
    words = written.read_text("utf-8").split() if written.is_file() else []
    return words if len(words) == 5 and not words[0].startswith("$Format") else []


def _git(source: Path, *words: str) -> str:
    """What git says, or nothing where the sources came without it."""
    try:
        done = subprocess.run(["git", "-C", str(source), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _write_tar(bundle: Path, content: dict[str, bytes], wheelhouse: Path) -> None:
    unfinished = bundle.with_name(f".{bundle.name}.new")
    # Wheels are compressed already; the fastest level is enough for the rest.
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        # Found first by whoever asks which release this is.
        for name in ("release.json", *sorted(set(content) - {"release.json"})):
            _add(tar, name, content[name])
        for wheel in sorted(wheelhouse.glob("*.whl")):
            _add(tar, f"wheelhouse/{wheel.name}", wheel.read_bytes())
    unfinished.replace(bundle)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o755 if data.startswith(b"#!") else 0o644
    tar.addfile(entry, io.BytesIO(data))


def main() -> int:
    """Make the bundle that the command line names."""
    parser = argparse.ArgumentParser(description="Make a bundle for Cartwright's hosts.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument(
        "--python", default="3.11", help="the hosts' Python, 3.11 on Debian 12, 3.12 on Ubuntu 24.04"
    )
    parser.add_argument("--machine", default="x86_64", choices=("x86_64", "aarch64"))
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build")
    parser.add_argument("--wheels", type=Path, help="a folder in which downloaded wheels are kept")
    given = parser.parse_args()
    try:
        print(make(KINDS[given.kind], Target(given.python, given.machine), given.output, wheels=given.wheels))
    except BundleError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
