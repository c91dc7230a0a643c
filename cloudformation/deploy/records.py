"""What a stage remembers in SSM: the fingerprint and release of each layer, and the run-time settings."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cloudformation.deploy.cloud import Cloud, error_code
from cloudformation.deploy.template import STACK_PREFIX

SECRET_ENDING = "-secret-arn"  # noqa: S105  (the ending of a name)


@dataclass(frozen=True)
class LayerRecord:
    """What was last deployed for a layer: `fingerprint` says whether it is still the same, the rest says who and when."""

    fingerprint: str
    release: str
    deployed_at: str


def fingerprint(body: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> str:
    """One hash over everything that a layer's deployment consists of."""
    whole = json.dumps([body, dict(sorted(parameters.items())), dict(sorted(tags.items()))])
    return hashlib.sha256(whole.encode()).hexdigest()


def read_records(cloud: Cloud, stage: str) -> dict[str, LayerRecord]:
    """The records of all layers of a stage."""
    found = _parameters(cloud, f"/{STACK_PREFIX}/{stage}/deploy/")
    return {name: LayerRecord(**json.loads(value)) for name, value in found.items()}


def write_record(cloud: Cloud, stage: str, layer: str, digest: str, release: str) -> None:
    """Record that a layer now is what the fingerprint says."""
    record = LayerRecord(digest, release, datetime.now(UTC).isoformat(timespec="seconds"))
    cloud.client("ssm").put_parameter(
        Name=f"/{STACK_PREFIX}/{stage}/deploy/{layer}",
        Description=f"What was last deployed for {layer}; written by the deployer.",
        Value=json.dumps(asdict(record)),
        Type="String",
        Overwrite=True,
    )


def forget_record(cloud: Cloud, stage: str, layer: str) -> None:
    """Forget a layer that was destroyed or whose deployment failed half-way. Forgetting twice is fine."""
    _delete(cloud, f"/{STACK_PREFIX}/{stage}/deploy/{layer}")


def write_bills(cloud: Cloud, stage: str, release: str, keys: Mapping[str, str]) -> None:
    """Record where the bills of materials of the release lie, by artefact."""
    cloud.client("ssm").put_parameter(
        Name=_bills_parameter(stage),
        Description="The bills of materials of what was last deployed; written by the deployer.",
        Value=json.dumps({"release": release, "bills": dict(sorted(keys.items()))}),
        Type="String",
        Overwrite=True,
    )


def forget_bills(cloud: Cloud, stage: str) -> None:
    """Forget them with their stage. Forgetting twice is fine."""
    _delete(cloud, _bills_parameter(stage))


def _bills_parameter(stage: str) -> str:
    # Not among the layers' records, which are read as such.
    return f"/{STACK_PREFIX}/{stage}/release/bills"


def _delete(cloud: Cloud, name: str) -> None:
    try:
        cloud.client("ssm").delete_parameter(Name=name)
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise


def read_settings(cloud: Cloud, stage: str) -> dict[str, str]:
    """The run-time settings that the stacks wrote, by environment variable: `orders-queue-url` is CARTWRIGHT_ORDERS_QUEUE_URL.

    Secrets are left out: SSM knows only where they are, and the hosts read them there themselves.
    """
    found = _parameters(cloud, f"/{STACK_PREFIX}/{stage}/")
    return {
        f"CARTWRIGHT_{name.upper().replace('-', '_')}": value
        for name, value in sorted(found.items())
        if not name.endswith(SECRET_ENDING)
    }


def _parameters(cloud: Cloud, path: str) -> dict[str, str]:
    pages = (
        cloud.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path=path, Recursive=False, WithDecryption=True)
    )
    parameters: list[dict[str, Any]] = [parameter for page in pages for parameter in page["Parameters"]]
    return {parameter["Name"].removeprefix(path): parameter["Value"] for parameter in parameters}


def release_name(root: Path) -> str:
    """The commit that is being deployed, marked when the working tree differs.

    Where there is no git, as in the pipeline, the source is what `git archive` made: it wrote the commit into RELEASE.
    """
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude", "*"],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return _archived_name(root)
    return answer.stdout.strip() or _archived_name(root)


def _archived_name(root: Path) -> str:
    written = root / "RELEASE"
    name = written.read_text("utf-8").split()[0] if written.is_file() else "$Format"
    return "unversioned" if name.startswith("$Format") else name
