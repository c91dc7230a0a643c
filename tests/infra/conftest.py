"""What the infrastructure tests share: the repository's templates, and a local AWS of their own."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudformation.deploy.artefacts import ROOT
from cloudformation.deploy.template import Template, load_all
from local.temporary import temporary_aws

from .enforced import EnforcedStage, enforced_stage

REGION = "eu-west-1"
FUNCTIONS = ("submit_order", "get_order", "cancel_order", "sweep", "notify_customer")


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    """Every template of the repository, by layer."""
    return load_all(ROOT / "cloudformation")


@pytest.fixture(scope="session")
def aws_to_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a local AWS that belongs to these tests alone: they empty it."""
    with temporary_aws(tmp_path_factory.mktemp("deploy-aws"), region=REGION) as server:
        yield server.endpoint_url


@pytest.fixture(scope="session")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnforcedStage]:
    """The local stage on a local AWS that checks every call against the caller's role."""
    with enforced_stage(tmp_path_factory.mktemp("enforced")) as stage:
        yield stage


@pytest.fixture
def empty_aws(aws_to_empty: str) -> str:
    """The address of a local AWS that holds nothing."""
    reset = urllib.request.Request(f"{aws_to_empty}/_ministack/reset", method="POST")  # noqa: S310  (our own)
    with urllib.request.urlopen(reset, timeout=60):  # noqa: S310
        return aws_to_empty


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the deployer reads, with handlers that only answer, for tests that change it."""
    root = tmp_path / "project"
    shutil.copytree(
        ROOT / "cloudformation",
        root / "cloudformation",
        ignore=shutil.ignore_patterns("deploy", "__pycache__"),
    )
    shutil.copytree(ROOT / "ansible" / "ec2", root / "ansible" / "ec2")
    (root / "orders").mkdir()
    (root / "orders" / "__init__.py").write_text('"""The core."""\n')
    (root / "lambdas").mkdir()
    (root / "lambdas" / "__init__.py").write_text('"""The Lambdas."""\n')
    shutil.copy(ROOT / "lambdas" / "openapi.yaml", root / "lambdas" / "openapi.yaml")
    for name in FUNCTIONS:
        write_handler(root, name, "first")
    return root


def write_handler(root: Path, name: str, answer: str) -> None:
    """Give a copied project's Lambda a handler that answers with one text."""
    folder = root / "lambdas" / name
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text("")
    (folder / "handler.py").write_text(
        f'import json\n\n\ndef handle(event, context):\n    print("called")\n'
        f'    return {{"statusCode": 200, "body": json.dumps("{answer}")}}\n'
    )
