"""The bundle of playbooks with which a host configures itself at boot: made by ansible/bundle.py, named by its content."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.errors import DeployError

_PYTHON, _MACHINE = "3.12", "aarch64"  # Ubuntu 24.04 on Graviton, as 50-web starts it


@dataclass(frozen=True)
class HostsBundle:
    """An artefact like those of the Lambdas, but with Ansible and its wheels in it: making it needs the package index."""

    root: Path = ROOT
    parameter: str = "HostsBundleKey"
    hash_parameter: str = "HostsBundleSha256"
    content_type: str = "application/gzip"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the playbooks and the pins of what runs them."""
        digest = hashlib.sha256(f"{_PYTHON} {_MACHINE}".encode())
        pins = [self.root / "requirements" / "lint.in", self.root / "requirements" / "lint.txt"]
        playbooks = sorted((self.root / "ansible").rglob("*"))
        for path in (*pins, *playbooks):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(self.root).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """Where it lies in the artefact bucket."""
        return f"hosts/{self.digest[:32]}.tar.gz"

    @property
    def sha256(self) -> str:
        """The hash of the bytes, which a host checks before it unpacks them."""
        return hashlib.sha256(self.build()).hexdigest()

    def build(self) -> bytes:
        """Make the bundle, once. Raises DeployError with what ansible/bundle.py says when it cannot."""
        return self._content

    @cached_property
    def _content(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "ansible/bundle.py", "hosts"]
            options = ["--python", _PYTHON, "--machine", _MACHINE, "--output", folder]
            done = subprocess.run([*command, *options], cwd=self.root, capture_output=True, text=True)  # noqa: S603
            if done.returncode:
                raise DeployError(f"the bundle of playbooks could not be made: {done.stderr.strip()}")
            return Path(done.stdout.strip().splitlines()[-1]).read_bytes()
