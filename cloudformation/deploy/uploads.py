"""What the layers need in the artefact bucket: each artefact once, under a name that is its content's hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cloudformation.deploy.artefacts import Artefact
from cloudformation.deploy.bundles import HostsBundle
from cloudformation.deploy.cloud import Cloud, error_code
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.stacks import Report


@dataclass(frozen=True)
class Uploads:
    """The artefacts of one run, and the bucket they go to."""

    cloud: Cloud
    artefacts: Sequence[Artefact | HostsBundle]
    report: Report

    def parameters(self, wanted: Collection[str], bucket: str) -> dict[str, str]:
        """The wanted parameters that name an artefact, or the hash of its bytes."""
        values = {each.parameter: each.key for each in self.artefacts if each.parameter in wanted}
        for each in self.artefacts:
            if isinstance(each, HostsBundle) and each.hash_parameter in wanted:
                # The bundle that lies there counts: one of the same sources made today differs by its date.
                values[each.hash_parameter] = self._hash_there(each.key, bucket) or each.sha256
        return values

    def upload(self, parameters: Mapping[str, str], bucket: str) -> None:
        """Put the artefacts that a layer's parameters name into the bucket, unless they lie there already."""
        for artefact in self.artefacts:
            if parameters.get(artefact.parameter) != artefact.key:
                continue
            if not bucket:
                raise DeployError("there is no artefact bucket yet: deploy the layer 00-bootstrap first")
            if self._hash_there(artefact.key, bucket) is not None:
                continue
            content = artefact.build()
            self.cloud.client("s3").put_object(
                Bucket=bucket,
                Key=artefact.key,
                Body=content,
                ContentType=artefact.content_type,
                Metadata={"sha256": hashlib.sha256(content).hexdigest()},
            )
            self.report(f"uploaded {artefact.key} ({len(content) / 1000:.0f} kB)")

    def _hash_there(self, key: str, bucket: str) -> str | None:
        """The hash that was noted when an object was uploaded, empty when none was; None when there is no object."""
        if not bucket:
            return None
        try:
            found = self.cloud.client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) not in {"404", "NoSuchKey", "NotFound"}:
                raise
            return None
        return str(found.get("Metadata", {}).get("sha256", ""))
