"""What a program needs from the package index: the pins of requirements/, narrowed to one program, and told as an SBOM.

A lock file pins everything that any program of it needs. Which of that one program needs is told by the packages
themselves (`Requires-Dist`), as they are installed here; versions and hashes come from the lock file alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cloudformation.deploy.errors import DeployError

ON_A_HOST: Mapping[str, str] = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.12.3",
    "python_version": "3.12",
    "sys_platform": "linux",
}
"""Ubuntu 24.04 on Graviton, as 50-web starts it: which of the conditional dependencies count."""

_PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\\n]+?))? *(?:\\\n +--hash=sha256:[0-9a-f]{64} ?)+",
    re.MULTILINE,
)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One package at one version, for every host or only where its marker holds."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""
    needs: tuple[str, ...] = ()
    """Names of the packages that it needs itself."""
    licence: str = ""

    @property
    def purl(self) -> str:
        """The package's name in the language of SBOMs."""
        return f"pkg:pypi/{self.name}@{self.version}"

    @property
    def is_on_a_host(self) -> bool:
        """Whether our hosts take it."""
        return not self.marker or Marker(self.marker).evaluate({**ON_A_HOST, "extra": ""})

    def lines(self) -> str:
        """The pin as pip reads it."""
        first = f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")
        return " \\\n    ".join([first, *(f"--hash={each}" for each in self.hashes)]) + "\n"


def wanted_by(names: Iterable[str], folder: Path) -> list[str]:
    """The packages that `.in` files of requirements/ ask for, the files that these include counted in."""
    wanted: list[str] = []
    for name in names:
        for line in (folder / name).read_text("utf-8").splitlines():
            text = line.split("#")[0].strip()
            if text.startswith("-r "):
                wanted += wanted_by([text[3:].strip()], folder)
            elif text:
                wanted.append(text)
    return wanted


def pins_for(wanted: Sequence[str], lock: Path, installed_in: Sequence[str] | None = None) -> list[Pin]:
    """The pins of these packages and of all that they need, by name.

    `installed_in` are the folders of installed packages to ask (default: this interpreter's). Raises DeployError for a
    package that is needed and that the lock file does not pin, or whose installed version is another one.
    """
    known = _locked(lock)
    todo = [Requirement(each) for each in wanted]
    needs: dict[str, set[str]] = {}
    asked: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in asked:
            continue
        asked.add((name, frozenset(requirement.extras)))
        if name not in known:
            raise DeployError(f"{lock.name} does not pin {name}")
        wants = list(_needs(requirement, {pin.version for pin in known[name]}, installed_in))
        needs.setdefault(name, set()).update(canonicalize_name(each.name) for each in wants)
        todo += wants
    return [
        replace(pin, needs=tuple(sorted(needs[name])), licence=_licence(name, installed_in))
        for name in sorted(needs)
        for pin in known[name]
    ]


def _locked(lock: Path) -> dict[str, list[Pin]]:
    """The pins of a lock file by name: one version, or several with a marker each."""
    pins: dict[str, list[Pin]] = {}
    for match in _PIN.finditer(lock.read_text("utf-8")):
        name = canonicalize_name(match[1])
        pins.setdefault(name, []).append(Pin(name, match[2], tuple(_HASH.findall(match[0])), match[3] or ""))
    return pins


def _needs(
    requirement: Requirement, versions: Set[str], folders: Sequence[str] | None
) -> Iterator[Requirement]:
    distribution = _installed(canonicalize_name(requirement.name), tuple(folders) if folders else None)
    if distribution is None:
        raise DeployError(f"{requirement.name} is not installed here, so that nobody can say what it needs")
    if distribution.version not in versions:
        raise DeployError(
            f"{requirement.name} {distribution.version} is installed, {' and '.join(sorted(versions))} pinned"
        )
    extras = {"", *requirement.extras}
    for text in distribution.requires or ():
        need = Requirement(text)
        if need.marker is None or any(_applies(need.marker, extra) for extra in extras):
            yield need


def _applies(marker: Marker, extra: str) -> bool:
    """On a host, or on the computer that builds: its tests install the same pins."""
    return marker.evaluate({**ON_A_HOST, "extra": extra}) or marker.evaluate({"extra": extra})


def _licence(name: str, folders: Sequence[str] | None) -> str:
    distribution = _installed(name, tuple(folders) if folders else None)
    known = distribution.metadata.json if distribution else {}
    return str(known.get("license_expression") or "")


@cache
def _all_installed(folders: tuple[str, ...] | None) -> dict[str, metadata.Distribution]:
    every = metadata.distributions(path=list(folders)) if folders else metadata.distributions()
    return {canonicalize_name(each.metadata["Name"]): each for each in every if each.metadata["Name"]}


def _installed(name: str, folders: tuple[str, ...] | None) -> metadata.Distribution | None:
    return _all_installed(folders).get(name)


def requirements_of(pins: Iterable[Pin]) -> str:
    """A requirements file of exactly these pins: `pip install --require-hashes --no-deps -r`."""
    return "".join(pin.lines() for pin in pins)


def bill_of_materials(name: str, digest: str, file_sha256: str, pins: Iterable[Pin]) -> str:
    """What our hosts get with an artefact, as CycloneDX 1.6 JSON. The same artefact gives the same text."""
    pins = [pin for pin in pins if pin.is_on_a_host]
    root = f"cartwright-{name}@{digest[:32]}"
    bill: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": f"cartwright-{name}",
                "version": digest[:32],
                "hashes": [{"alg": "SHA-256", "content": file_sha256}],
            }
        },
        "components": [_component(pin) for pin in pins],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(pin.purl for pin in pins)},
            *({"ref": pin.purl, "dependsOn": _purls(pin.needs, pins)} for pin in pins),
        ],
    }
    return json.dumps(bill, indent=1) + "\n"


def _component(pin: Pin) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        # One hash for each file that the index offers; which of them a host takes depends on its processor.
        "properties": [{"name": "cartwright:pinned", "value": each} for each in pin.hashes],
    }
    if pin.licence:
        component["licenses"] = [{"expression": pin.licence}]
    return component


def _purls(names: Iterable[str], pins: Sequence[Pin]) -> list[str]:
    by_name = {pin.name: pin.purl for pin in pins}
    return sorted(by_name[name] for name in names if name in by_name)


def digest_of(content: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents; independent of the machine, the clock and the compressor."""
    digest = hashlib.sha256()
    for inside, data in sorted(content.items()):
        digest.update(f"{inside}\0".encode())
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()
