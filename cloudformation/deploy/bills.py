"""The bills of materials of a release: uploaded beside what they describe, and recorded, so that each can be found for years.

A question such as "does anything that we run hold that package?" is answered from the stage's record alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cloudformation.deploy import records
from cloudformation.deploy.artefacts import ROOT, lambda_artefacts
from cloudformation.deploy.cloud import Cloud
from cloudformation.deploy.packages import packages
from cloudformation.deploy.release import is_there
from cloudformation.deploy.stacks import Report

CONTENT_TYPE = "application/vnd.cyclonedx+json"
_ENDING = ".cdx.json"


@dataclass(frozen=True)
class Bill:
    """One artefact's bill, and where it goes: beside the zip of a Lambda, under the hash of a program's content."""

    name: str
    key: str
    text: str


def bills(root: Path = ROOT) -> list[Bill]:
    """The bill of every artefact of the release. Raises DeployError where a pin is missing."""
    zips = {f"lambda-{each.name}": each.key for each in lambda_artefacts(root)}
    return [
        Bill(
            each.name,
            _beside(zips.get(each.name, f"releases/{each.name}/{each.digest[:32]}.zip")),
            each.bill(),
        )
        for each in packages(root)
    ]


def _beside(key: str) -> str:
    return key.removesuffix(".zip") + _ENDING


def upload_bills(
    cloud: Cloud, bucket: str, stage: str, release: str, every: Iterable[Bill], report: Report
) -> int:
    """Upload each bill that is not there yet, and record which belong to the release. Returns how many were new."""
    s3, keys, new = cloud.client("s3"), {}, 0
    for bill in every:
        keys[bill.name] = bill.key
        if is_there(s3, bucket, bill.key):
            continue
        s3.put_object(Bucket=bucket, Key=bill.key, Body=bill.text.encode(), ContentType=CONTENT_TYPE)
        new += 1
    records.write_bills(cloud, stage, release, keys)
    report(f"{len(keys)} bills of materials of {release}, {new} of them new")
    return new
