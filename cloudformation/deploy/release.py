"""What a release sends ahead: the source that starts the pipeline, and the static files that its pages name."""

from __future__ import annotations

import mimetypes
import subprocess
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cloudformation.deploy.cloud import Cloud, error_code
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.stacks import Report

SOURCE_KEY = "source/cartwright.zip"
"""70-pipeline takes the source from here; a new version of this object starts it."""


def upload_source(cloud: Cloud, bucket: str, root: Path, report: Report) -> str:
    """Send the committed source of `root` to the pipeline; its version is the release that is being made.

    Returns the object's version. Raises DeployError outside a git checkout and while changes are not committed: what
    is released must be what can be found again.
    """
    dirty = _git(root, "status", "--porcelain", "--untracked-files=no")
    if dirty:
        raise DeployError(f"commit these first: {', '.join(line[3:] for line in dirty.splitlines()[:5])}")
    content = _git_bytes(root, "archive", "--format=zip", "HEAD")
    commit = _git(root, "rev-parse", "HEAD")
    answer = cloud.client("s3").put_object(
        Bucket=bucket,
        Key=SOURCE_KEY,
        Body=content,
        ContentType="application/zip",
        Metadata={"commit": commit},
    )
    report(f"the pipeline has the source of {commit[:12]} ({len(content) / 1_000_000:.1f} MB)")
    return str(answer.get("VersionId", ""))


def upload_static(cloud: Cloud, bucket: str, report: Report) -> int:
    """Put every static file of the web application into the bucket under its hashed name; returns how many were new.

    Files of other releases stay: their pages are still open in browsers. Plain names are left out, since only a name
    that carries its content's hash may be kept for ever.
    """
    from webapp.assets import FOR_EVER, STATIC, content, hashed_name

    s3 = cloud.client("s3")
    new = 0
    for path in sorted(STATIC.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(STATIC).as_posix()
        key = f"static/{hashed_name(name)}"
        if is_there(s3, bucket, key):
            continue
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        s3.put_object(Bucket=bucket, Key=key, Body=content(name), ContentType=kind, CacheControl=FOR_EVER)
        new += 1
    report(f"{new} new static files")
    return new


def is_there(s3: Any, bucket: str, key: str) -> bool:
    """Whether a bucket has an object of this name."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) not in {"404", "NoSuchKey", "NotFound"}:
            raise
        return False
    return True


def _git(root: Path, *words: str) -> str:
    return _git_bytes(root, *words).decode().rstrip("\n")


def _git_bytes(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, timeout=120, check=True)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError) as error:
        raise DeployError(f"git {words[0]} does not work here: {error}") from error
    return done.stdout
