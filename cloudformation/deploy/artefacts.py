"""Artefacts: one zip per Lambda, named by its content, so that the same sources give the same name everywhere.

A zip holds the function's own package, the code all functions share, the core without what only the servers use, and
the few pure-Python distributions it imports. boto3 comes with the runtime. Compiled files stay out: the zip then runs
on any processor, and the distributions packed here all work without them.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from cloudformation.deploy.errors import DeployError

ROOT = Path(__file__).resolve().parent.parent.parent
SIZE_LIMIT_BYTES = 1_000_000  # A cold start downloads and unpacks it; small is fast.

_SERVERS_ONLY = (
    "orders/adapters/rds/",
    "orders/adapters/payments/",
    "orders/adapters/papers/",
    "orders/adapters/carriers/",
    "orders/doctor",
)
_EVERY_ZIP = ("marshmallow",)
_EXTRA = {"notify_customer": ("jinja2", "markupsafe")}
_COMPILED = {".so", ".pyd", ".dll", ".dylib", ".pyc", ".c", ".h", ".pyi"}
_INSTALLER_NOTES = {
    "RECORD",
    "WHEEL",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
    "uv_cache.json",
    "uv_build.json",
}
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Artefact:
    """A zip to be: its name, and the file behind each path inside it."""

    name: str
    files: dict[str, Path]
    content_type: str = "application/zip"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over paths and contents; independent of the machine, the clock and the compressor."""
        digest = hashlib.sha256()
        for inside, path in sorted(self.files.items()):
            digest.update(f"{inside}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """Where it lies in the artefact bucket."""
        return f"lambda/{self.name}/{self.digest[:32]}.zip"

    @property
    def parameter(self) -> str:
        """The template parameter that takes the key: `submit_order` is `SubmitOrderCodeKey`."""
        return "".join(word.capitalize() for word in self.name.split("_")) + "CodeKey"

    def build(self) -> bytes:
        """The zip itself. Raises DeployError when it is too large to start fast."""
        archive = zipped((inside, path.read_bytes()) for inside, path in sorted(self.files.items()))
        if len(archive) > SIZE_LIMIT_BYTES:
            raise DeployError(f"{self.name}.zip has {len(archive)} bytes, more than {SIZE_LIMIT_BYTES}")
        return archive


def zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of these paths and contents: without dates, and with the mode told by the content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for inside, data in entries:
            entry = zipfile.ZipInfo(inside, _FIXED_TIME)
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = (0o755 if data.startswith(b"#!") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def lambda_artefacts(root: Path = ROOT) -> list[Artefact]:
    """One artefact per folder of lambdas/ that holds a handler.py, in the order of their names."""
    handlers = sorted((root / "lambdas").glob("*/handler.py"))
    return [lambda_artefact(handler.parent.name, root) for handler in handlers]


def lambda_artefact(name: str, root: Path = ROOT) -> Artefact:
    """The artefact of one Lambda."""
    files = dict(_sources(root, "lambdas", only_own=name))
    files.update(_sources(root, "orders"))
    for distribution in lambda_distributions(name):
        files.update(_distribution(distribution))
    return Artefact(name, files)


def lambda_distributions(name: str) -> tuple[str, ...]:
    """The distributions that are packed into the zip of one Lambda."""
    return (*_EVERY_ZIP, *_EXTRA.get(name, ()))


def _sources(root: Path, package: str, only_own: str = "") -> Iterator[tuple[str, Path]]:
    """The package's files. `only_own` leaves out every subpackage but that one."""
    for path in sorted((root / package).rglob("*")):
        inside = path.relative_to(root).as_posix()
        if not path.is_file() or "__pycache__" in path.parts or path.suffix in _COMPILED:
            continue
        if only_own and path.parent != root / package and not inside.startswith(f"{package}/{only_own}/"):
            continue
        if inside == "lambdas/openapi.yaml" or inside.startswith(_SERVERS_ONLY):
            continue
        yield inside, path


def _distribution(name: str) -> Iterator[tuple[str, Path]]:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError as error:
        raise DeployError(
            f"{name} is not installed here; build with requirements/run.txt installed"
        ) from error
    for file in files:
        is_outside = file.parts[0] == ".."  # Scripts in bin/ have no place in a Lambda.
        if (
            is_outside
            or "__pycache__" in file.parts
            or file.suffix in _COMPILED
            or file.name in _INSTALLER_NOTES
        ):
            continue
        yield file.as_posix(), Path(str(file.locate()))
