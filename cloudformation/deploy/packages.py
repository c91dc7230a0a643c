"""The artefacts of a release: webapp.zip, worker.zip, ansible.zip and one zip per Lambda, each with its SBOM.

    python -m cloudformation.deploy.packages [--output build/artefacts]

A program's zip holds its code, the core, and `requirements.txt` with exactly the pins that it needs; it runs where
these are installed. The same sources give the same bytes. SHA256SUMS names them all.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cloudformation.deploy.artefacts import ROOT, lambda_artefacts, lambda_distributions, zipped
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.pins import (
    Pin,
    bill_of_materials,
    digest_of,
    pins_for,
    requirements_of,
    wanted_by,
)

REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True)
class Program:
    """What belongs to a program's zip."""

    name: str
    folders: tuple[str, ...]
    files: tuple[str, ...]
    wanted: tuple[str, ...]
    """Files of requirements/ that name what it needs."""
    lock: str
    only: frozenset[str] = frozenset()
    """Of these needs only these packages; empty for all."""


PROGRAMS = (
    # Alembic reads from pyproject.toml where the migrations are.
    Program("webapp", ("orders", "webapp", "migrations"), ("pyproject.toml",), ("webapp.in",), "run.txt"),
    Program("worker", ("orders", "worker"), (), ("worker.in",), "run.txt"),
    Program("ansible", ("ansible",), (), ("lint.in",), "lint.txt", frozenset({"ansible-core"})),
)


@dataclass(frozen=True)
class Package:
    """A zip to be, with all that is in it."""

    name: str
    content: dict[str, bytes]
    pins: tuple[Pin, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over paths and contents."""
        return digest_of(self.content)

    def build(self) -> bytes:
        """The zip itself."""
        return zipped(sorted(self.content.items()))

    def bill(self) -> str:
        """Its SBOM."""
        file_sha256 = hashlib.sha256(self.build()).hexdigest()
        return bill_of_materials(self.name, self.digest, file_sha256, self.pins)


def packages(root: Path = ROOT) -> list[Package]:
    """Every artefact of a release. Raises DeployError where a pin is missing."""
    programs = [package(program, root) for program in PROGRAMS]
    return programs + _lambda_packages(root)


def package(program: Program, root: Path = ROOT) -> Package:
    """One program's artefact."""
    requirements = root / "requirements"
    wanted = wanted_by(program.wanted, requirements)
    if program.only:
        wanted = [each for each in wanted if each in program.only]
    pins = pins_for(wanted, requirements / program.lock, _folders_of(program, root))
    content = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in program.folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    content |= {name: (root / name).read_bytes() for name in program.files}
    content[REQUIREMENTS] = requirements_of(pins).encode()
    return Package(program.name, content, tuple(pins))


def _folders_of(program: Program, root: Path) -> list[str] | None:
    """Where the packages are installed: ansible has an environment of its own, since its pins fight with ours."""
    if program.lock != "lint.txt":
        return None
    folders = [str(path) for path in (root / ".venv-lint" / "lib").glob("python*/site-packages")]
    if not folders:
        raise DeployError("there is no .venv-lint to ask what ansible needs: make artefacts builds it")
    return folders


def _lambda_packages(root: Path) -> list[Package]:
    found = []
    for artefact in lambda_artefacts(root):
        pins = pins_for(lambda_distributions(artefact.name), root / "requirements" / "run.txt")
        content = {inside: path.read_bytes() for inside, path in artefact.files.items()}
        found.append(Package(f"lambda-{artefact.name}", content, tuple(pins)))
    return found


def write(every: Iterable[Package], folder: Path) -> list[Path]:
    """Write each zip with its SBOM, and SHA256SUMS over them all. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for each in every:
        for name, data in (
            (f"{each.name}.zip", each.build()),
            (f"{each.name}.cdx.json", each.bill().encode()),
        ):
            (folder / name).write_bytes(data)
            files.append(folder / name)
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files)]
    (folder / "SHA256SUMS").write_text("".join(sums), "ascii")
    return [*files, folder / "SHA256SUMS"]


def main(words: Sequence[str]) -> int:
    """Write the artefacts and say what they are."""
    parser = argparse.ArgumentParser(
        "python -m cloudformation.deploy.packages", description="Make the artefacts."
    )
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "artefacts")
    folder = parser.parse_args(words).output
    try:
        for file in write(packages(), folder):
            if file.suffix == ".zip":
                print(f"{file}  {file.stat().st_size / 1000:.0f} kB")  # noqa: T201
    except DeployError as error:
        print(f"artefacts: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
