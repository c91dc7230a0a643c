"""What a release sends ahead: the committed source, and static files under names that are never reused."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from cloudformation.deploy import records
from cloudformation.deploy.artefacts import ROOT, lambda_artefacts
from cloudformation.deploy.bills import CONTENT_TYPE, bills, upload_bills
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.release import SOURCE_KEY, upload_source, upload_static
from tests.lab.hosts import bundler
from webapp.assets import FOR_EVER, content, hashed_name

from .conftest import REGION


@pytest.fixture
def cloud(empty_aws: str) -> Cloud:
    """A local AWS with one bucket."""
    made = Cloud(REGION, empty_aws, patience_seconds=60)
    made.client("s3").create_bucket(
        Bucket="there", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return made


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one committed file."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "shop.py").write_text("sells = True\n")
    git(root, "init", "-q")
    commit(root, "first")
    return root


def git(root: Path, *words: str) -> str:
    """What git answers."""
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commit whatever lies there; the commit."""
    git(root, "add", ".")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", message)
    return git(root, "rev-parse", "HEAD")


def test_the_pipeline_gets_what_is_committed_and_knows_the_commit(cloud: Cloud, checkout: Path) -> None:
    """Files that git does not know stay at home."""
    (checkout / "notes.txt").write_text("private")
    upload_source(cloud, "there", checkout, lambda line: None)
    found = cloud.client("s3").get_object(Bucket="there", Key=SOURCE_KEY)
    assert zipfile.ZipFile(io.BytesIO(found["Body"].read())).namelist() == ["shop.py"]
    assert found["Metadata"]["commit"] == git(checkout, "rev-parse", "HEAD")


def test_a_change_that_is_not_committed_is_not_released(cloud: Cloud, checkout: Path) -> None:
    """What runs must be what can be found again."""
    (checkout / "shop.py").write_text("sells = False\n")
    with pytest.raises(DeployError, match=r"commit these first: shop\.py"):
        upload_source(cloud, "there", checkout, lambda line: None)
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket="there")


def test_what_the_pipeline_unpacks_knows_which_commit_it_is(
    cloud: Cloud, checkout: Path, tmp_path: Path
) -> None:
    """The archive has no git in it: deployer and host bundles take the commit from RELEASE."""
    for name in (".gitattributes", "RELEASE"):
        shutil.copy(ROOT / name, checkout / name)
    made = commit(checkout, "a release")
    upload_source(cloud, "there", checkout, lambda line: None)
    archive = cloud.client("s3").get_object(Bucket="there", Key=SOURCE_KEY)["Body"].read()
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(io.BytesIO(archive)).extractall(unpacked)
    assert records.release_name(checkout) == records.release_name(unpacked) != "unversioned"
    assert made.startswith(records.release_name(unpacked))
    maker = bundler()
    assert (maker._commit(unpacked), maker._moment(unpacked)) == (made, maker._moment(checkout))


def test_static_files_lie_under_hashed_names_for_ever_and_are_sent_once(cloud: Cloud) -> None:
    """The stylesheet arrives as it is served, with its own files by their hashed names."""
    new = upload_static(cloud, "there", lambda line: None)
    name = hashed_name("css/shop.css")
    found = cloud.client("s3").get_object(Bucket="there", Key=f"static/{name}")
    assert found["Body"].read() == content("css/shop.css")
    assert (found["CacheControl"], found["ContentType"]) == (FOR_EVER, "text/css")
    keys = [
        entry["Key"]
        for page in cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket="there")
        for entry in page["Contents"]
    ]
    assert len(keys) == new > 10
    assert "static/css/shop.css" not in keys
    assert upload_static(cloud, "there", lambda line: None) == 0


@pytest.mark.skipif(
    not (ROOT / ".venv-lint").is_dir(), reason="ansible's pins are told by the lint environment: make check"
)
def test_the_bills_of_materials_lie_beside_what_they_describe_and_are_on_record(cloud: Cloud) -> None:
    """One for each artefact, the Lambdas' under the very names of their zips; a second upload finds them there."""
    every = bills()
    assert {each.name for each in every} > {"webapp", "worker", "ansible"}
    lines: list[str] = []
    assert upload_bills(cloud, "there", "dev", "abc", every, lines.append) == len(every)
    assert upload_bills(cloud, "there", "dev", "abd", every, lines.append) == 0
    recorded = json.loads(
        cloud.client("ssm").get_parameter(Name="/cartwright/dev/release/bills")["Parameter"]["Value"]
    )
    assert recorded["release"] == "abd"
    beside = {each.key.removesuffix(".zip") for each in lambda_artefacts()}
    assert beside < {key.removesuffix(".cdx.json") for key in recorded["bills"].values()}
    found = cloud.client("s3").get_object(Bucket="there", Key=recorded["bills"]["webapp"])
    assert found["ContentType"] == CONTENT_TYPE
    bill = json.loads(found["Body"].read())
    assert bill["bomFormat"] == "CycloneDX"
    assert "flask" in {part["name"] for part in bill["components"]}
    assert records.read_records(cloud, "dev") == {}
    assert records.read_settings(cloud, "dev") == {}
    records.forget_bills(cloud, "dev")
    records.forget_bills(cloud, "dev")
