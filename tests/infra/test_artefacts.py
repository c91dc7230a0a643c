"""Artefacts: the same sources give the same bytes, hold what a Lambda needs, and nothing else."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from cloudformation.deploy.artefacts import (
    ROOT,
    SIZE_LIMIT_BYTES,
    Artefact,
    lambda_artefact,
    lambda_artefacts,
)
from cloudformation.deploy.bundles import HostsBundle
from cloudformation.deploy.errors import DeployError

from .conftest import FUNCTIONS, write_handler


def names(artefact: Artefact) -> list[str]:
    """The paths inside the built zip."""
    return zipfile.ZipFile(io.BytesIO(artefact.build())).namelist()


def test_there_is_one_artefact_per_lambda_and_the_templates_take_each() -> None:
    """The five functions of the design."""
    assert sorted(artefact.name for artefact in lambda_artefacts()) == sorted(FUNCTIONS)


def test_the_same_sources_give_the_same_bytes_whatever_their_dates(project: Path) -> None:
    """A file's date, mode and the order in the folder do not count."""
    before = lambda_artefact("sweep", project)
    first, digest = before.build(), before.digest
    handler = project / "lambdas" / "sweep" / "handler.py"
    os.utime(handler, (1, 1))
    handler.chmod(0o600)
    again = lambda_artefact("sweep", project)
    assert (again.digest, again.build()) == (digest, first)


def test_a_changed_source_changes_the_name_of_its_own_artefact_only(project: Path) -> None:
    """A change to one Lambda republishes that one."""
    before = {name: lambda_artefact(name, project).key for name in FUNCTIONS}
    write_handler(project, "sweep", "second")
    changed = {name for name in FUNCTIONS if lambda_artefact(name, project).key != before[name]}
    assert changed == {"sweep"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_zip_is_small_and_holds_no_server_code_and_nothing_compiled(name: str) -> None:
    """boto3 comes with the runtime; the ORM is for servers; a compiled file would tie the zip to one processor."""
    artefact = lambda_artefact(name)
    inside = names(artefact)
    assert len(artefact.build()) < SIZE_LIMIT_BYTES
    assert f"lambdas/{name}/handler.py" in inside
    assert "orders/settings.py" in inside
    assert "marshmallow/__init__.py" in inside
    forbidden = ("boto3/", "botocore/", "sqlalchemy/", "flask/", "orders/adapters/rds/", "orders/doctor")
    assert [path for path in inside if path.startswith(forbidden)] == []
    assert [path for path in inside if path.endswith((".so", ".pyc", ".pyd"))] == []
    others = {f"lambdas/{other}/" for other in FUNCTIONS if other != name}
    assert [path for path in inside if path.startswith(tuple(others))] == []
    assert len(inside) == len(set(inside))


def test_only_the_notifier_carries_a_template_engine() -> None:
    """jinja2 renders e-mails; the order path does without its import time."""
    assert {name for name in FUNCTIONS if "jinja2/__init__.py" in names(lambda_artefact(name))} == {
        "notify_customer"
    }


def test_a_zip_that_grew_too_large_is_refused(project: Path) -> None:
    """Somebody is told at build time, not by slow cold starts."""
    (project / "lambdas" / "sweep" / "data.bin").write_bytes(os.urandom(SIZE_LIMIT_BYTES))
    with pytest.raises(DeployError, match=r"sweep\.zip"):
        lambda_artefact("sweep", project).build()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_imports_with_nothing_but_its_zip_and_what_the_runtime_brings(
    name: str, tmp_path: Path
) -> None:
    """In a clean environment with boto3 alone. The local AWS shares our own packages and would hide a gap."""
    package = tmp_path / "code.zip"
    package.write_bytes(lambda_artefact(name).build())
    zipfile.ZipFile(package).extractall(tmp_path / "code")
    python = _runtime(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-west-1",
        "PYTHONPATH": str(tmp_path / "code"),
    }
    check = f"import lambdas.{name}.handler as h, sys; assert callable(h.handle); print(sorted(sys.modules))"
    result = subprocess.run(
        [python, "-c", check], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    loaded = result.stdout
    assert "'flask'" not in loaded
    assert "'sqlalchemy'" not in loaded


def _runtime(folder: Path) -> Path:
    """A Python that holds what the Lambda runtime holds: boto3 and its own dependencies."""
    venv.create(folder / "venv", with_pip=False)
    site = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
    ours = Path(sys.modules["pytest"].__file__ or "").parent.parent
    for brought in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        (site / brought).symlink_to(ours / brought)
    return folder / "venv" / "bin" / "python"


def test_the_bundle_of_playbooks_is_named_by_playbooks_and_pins(tmp_path: Path) -> None:
    """A changed playbook or pin gives hosts a new bundle; anything else does not."""
    for folder in ("ansible", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    first = HostsBundle(tmp_path)
    (tmp_path / "README.md").write_text("no part of it")
    assert HostsBundle(tmp_path).key == first.key
    (tmp_path / "ansible" / "web.yml").write_text("# changed\n")
    assert HostsBundle(tmp_path).key != first.key
    assert first.key.startswith("hosts/")
