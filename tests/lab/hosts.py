"""What the lab's tests do to the machines: commands over ssh, playbooks, and the bundles that they roll out."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.lab.estate import REPOSITORY, Estate
from tests.lab.shell import LabError, run

ANSIBLE = REPOSITORY / "ansible"
INVENTORY = ANSIBLE / "inventories" / "lab.yml"
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)
_IDENTITY = ("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR")


@dataclass(frozen=True)
class Outcome:
    """How a playbook ended, and what it changed on each host."""

    succeeded: bool
    changed: dict[str, int]
    output: str


def ansible_program(name: str) -> str:
    """A program of ansible-core or ansible-lint: from the project's lint environment, else from the PATH."""
    own = REPOSITORY / ".venv-lint" / "bin" / name
    found = str(own) if own.exists() else shutil.which(name)
    if not found:
        raise LabError(f"there is no {name}: build the lint environment with `make .venv-lint/.lint`")
    return found


def play(estate: Estate, playbook: Path, *options: str) -> Outcome:
    """Run a playbook against the lab. Its failure is an outcome, not an error."""
    environment = {
        **estate.environment,
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": f"{ANSIBLE / 'roles'}:{Path(__file__).parent / 'roles'}",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(estate.run / "ansible"),
    }
    done = subprocess.run(
        [ansible_program("ansible-playbook"), "-i", str(INVENTORY), str(playbook), *options],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    changed = {host: int(changed) for host, _, changed, _, _ in _RECAP.findall(output)}
    return Outcome(done.returncode == 0, changed, output)


def remote(estate: Estate, machine: str, command: str) -> str:
    """Run a shell command as root on a machine and return its output; raises LabError when it fails."""
    return run(*_ssh(estate, machine), "sudo", "bash", "-c", f"'{command}'")


def answers_to_password(estate: Estate, machine: str) -> str:
    """What ssh says when it is offered a password and no key."""
    offer = ("-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", *_IDENTITY[2:])
    address = estate.machine(machine).address
    known = ("-o", f"UserKnownHostsFile={estate.known_hosts}")
    done = subprocess.run(
        ["ssh", *offer, *known, f"admin@{address}", "true"], capture_output=True, text=True, check=False
    )
    return done.stderr


def _ssh(estate: Estate, machine: str) -> Sequence[str | Path]:
    address = estate.machine(machine).address
    known = f"UserKnownHostsFile={estate.known_hosts}"
    return ("ssh", "-i", estate.key, "-o", known, *_IDENTITY, f"admin@{address}")


def bundler() -> ModuleType:
    """ansible/bundle.py, which is a program and no module of a package."""
    if "cartwright_bundle" not in sys.modules:
        spec = importlib.util.spec_from_file_location("cartwright_bundle", ANSIBLE / "bundle.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["cartwright_bundle"] = module
        spec.loader.exec_module(module)
    return sys.modules["cartwright_bundle"]


@dataclass(frozen=True)
class Release:
    """A bundle, and the name under which the hosts know it."""

    bundle: Path

    @property
    def name(self) -> str:
        """From the bundle's file name, as the playbook reads it."""
        return self.bundle.name.removeprefix("cartwright-").removesuffix(".tar.gz")


def build(estate: Estate, source: Path = REPOSITORY) -> Release:
    """Bundle a release for the lab's machines (Debian 12: Python 3.11) from a tree of sources."""
    maker = bundler()
    target = maker.Target("3.11", os.uname().machine)
    return Release(maker.make(maker.RELEASE, target, estate.run / "bundles", source, estate.cache))


@contextmanager
def changed_sources(folder: Path) -> Iterator[Path]:
    """A copy of what a release is made of, to be changed."""
    for part in bundler().RELEASE.folders:
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    yield folder
    shutil.rmtree(folder)


def another(estate: Estate, folder: Path) -> Release:
    """A release like the current sources, under another name."""
    with changed_sources(folder) as source:
        (source / "webapp" / "static" / "another.txt").write_text("another release\n", encoding="ascii")
        return build(estate, source)


def never_ready(estate: Estate, folder: Path, unless: str = "False") -> Release:
    """A release that starts and answers, but is not ready - unless a Python expression over `os` is true."""
    with changed_sources(folder) as source:
        health = source / "webapp" / "health.py"
        text = health.read_text(encoding="utf-8")
        broken = text.replace(
            "is_ready = all(checks.values())",
            f"import os\n    is_ready = all(checks.values()) and ({unless})",
        )
        assert broken != text, "webapp/health.py no longer decides readiness in this line"
        health.write_text(broken, encoding="utf-8")
        return build(estate, source)


def deploy(estate: Estate, release: Release, *options: str) -> Outcome:
    """Roll a release out, as a person would."""
    return play(estate, ANSIBLE / "deploy.yml", "-e", f"release_bundle={release.bundle}", *options)
