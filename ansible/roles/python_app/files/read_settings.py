"""Writes the settings of this stage from SSM parameters and Secrets Manager to a file that systemd reads.

The parameter /cartwright/<stage>/orders-queue-url becomes CARTWRIGHT_ORDERS_QUEUE_URL. A parameter whose name ends in
-secret-arn names a secret instead: /cartwright/<stage>/secret-key-secret-arn = ARN gives CARTWRIGHT_SECRET_KEY the
secret's text, and ARN#key one value of a secret that is a JSON object. The host's own role is all that it needs.

It runs as cartwright-settings.service before the programs start. When AWS does not answer and there are settings from
an earlier start, those are kept: a host must come up again while SSM is away.
"""

# ruff: noqa: S606, T201 - systemd runs it, and its words go to the journal.
from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/cartwright/release.json")
TARGET = Path("/var/lib/cartwright-settings/aws.env")
SECRET_ENDING = "-secret-arn"  # noqa: S105 - the ending of a name.


def main() -> int:
    """Write the file; 1 when there are no settings to be had at all."""
    config = json.loads(CONFIG.read_text("utf-8"))
    if config["settings_source"] == "inventory":
        _write({})
        return 0
    _use_a_release(Path(config["root"]))
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        values = _from_aws(f"/cartwright/{config['stage']}/", config["region"])
    except (BotoCoreError, ClientError) as error:
        print(f"AWS gives no settings: {error}", file=sys.stderr)
        return 0 if TARGET.exists() else 1
    _write(values)
    return 0


def _use_a_release(root: Path) -> None:
    """Run this file again with the interpreter of a release: boto3 comes with the programs."""
    if os.environ.get("CARTWRIGHT_SETTINGS_READER") == "inside":
        return
    installed = sorted(
        (root / "releases").glob("*/.complete"), key=lambda mark: mark.stat().st_mtime, reverse=True
    )
    for folder in (root / "current", *(mark.parent for mark in installed)):
        python = folder / "venv" / "bin" / "python"
        if python.exists():
            inside = {**os.environ, "CARTWRIGHT_SETTINGS_READER": "inside"}
            os.execve(python, [str(python), "-I", __file__], inside)
    raise SystemExit("no release is installed yet: deploy one first")


def _from_aws(path: str, region: str) -> dict[str, str]:
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
    )
    session = boto3.Session(region_name=region)
    pages = session.client("ssm", config=patience).get_paginator("get_parameters_by_path")
    secrets = session.client("secretsmanager", config=patience)
    values = {}
    for page in pages.paginate(Path=path, WithDecryption=True):
        for parameter in page["Parameters"]:
            name, value = parameter["Name"].removeprefix(path), parameter["Value"]
            if name.endswith(SECRET_ENDING):
                name, value = name.removesuffix(SECRET_ENDING), _secret(secrets, value)
            values[f"CARTWRIGHT_{name.upper().replace('-', '_')}"] = value
    return values


def _secret(secrets: Any, reference: str) -> str:
    arn, _, key = reference.partition("#")
    text = secrets.get_secret_value(SecretId=arn)["SecretString"]
    return str(json.loads(text)[key]) if key else str(text)


def _write(values: dict[str, str]) -> None:
    """Replace the file in one step; only root may read it."""
    lines = [f'{name}="{_quoted(value)}"\n' for name, value in sorted(values.items())]
    fresh = TARGET.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(TARGET)


def _quoted(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise SystemExit("a setting must be one line")
    return value.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    sys.exit(main())
