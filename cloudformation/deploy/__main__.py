"""The command line: `python -m cloudformation.deploy plan|apply|release|static|bills|destroy|drift|settings --stage S --region R`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from cloudformation.deploy.destroy import destroy_stage
from cloudformation.deploy.drift import drift_of
from cloudformation.deploy.errors import DeployError
from cloudformation.deploy.records import release_name
from cloudformation.deploy.release import upload_source, upload_static
from cloudformation.deploy.stage import Deployment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 1 when it could not be, 2 when `drift` found some."""
    options = _parser().parse_args(arguments)
    try:
        deployment = Deployment.of(options.stage, options.region, os.environ.get("AWS_ENDPOINT_URL"), _say)
        return int(options.run(deployment, options))
    except (DeployError, ClientError, BotoCoreError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cloudformation.deploy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, run, what in (
        ("plan", _plan, "print what apply would change"),
        ("apply", _apply, "deploy every layer whose content changed"),
        ("release", _release, "send the committed source to the stage's pipeline"),
        ("static", _static, "upload the static files of the web application under their hashed names"),
        ("bills", _bills, "upload the release's bills of materials and record them"),
        ("destroy", _destroy, "delete the stage's stacks, after asking"),
        ("drift", _drift, "print what was changed by hand"),
        ("settings", _settings, "print the stage's run-time settings"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(run=run)
        command.add_argument("--stage", required=True, help="local, dev or prod")
        command.add_argument(
            "--region", default=os.environ.get("AWS_REGION"), required="AWS_REGION" not in os.environ
        )
        if name in {"plan", "apply"}:
            command.add_argument(
                "--only", action="append", metavar="LAYER", help="this layer only; may be repeated"
            )
        if name == "apply":
            command.add_argument(
                "--allow-replace",
                action="append",
                default=[],
                metavar="LAYER/RESOURCE",
                help="let the plan replace or remove this one resource that holds data; may be repeated",
            )
        if name == "destroy":
            command.add_argument("--delete-data", action="store_true", help="delete what holds data, too")
    return parser


def _plan(deployment: Deployment, options: argparse.Namespace) -> int:
    for plan in deployment.plan(options.only):
        for line in plan.lines():
            _say(line)
    return 0


def _apply(deployment: Deployment, options: argparse.Namespace) -> int:
    deployment.apply(options.only, frozenset(options.allow_replace))
    return 0


def _release(deployment: Deployment, options: argparse.Namespace) -> int:
    upload_source(deployment.cloud, deployment.bucket("ArtefactBucketName"), deployment.root, _say)
    return 0


def _static(deployment: Deployment, options: argparse.Namespace) -> int:
    upload_static(deployment.cloud, deployment.bucket("StaticBucketName"), _say)
    return 0


def _bills(deployment: Deployment, options: argparse.Namespace) -> int:
    # Imported here: it reads the pins of everything, which no other command needs.
    from cloudformation.deploy.bills import bills, upload_bills

    release = release_name(deployment.root)
    bucket = deployment.bucket("ArtefactBucketName")
    upload_bills(deployment.cloud, bucket, deployment.stage.name, release, bills(deployment.root), _say)
    return 0


def _destroy(deployment: Deployment, options: argparse.Namespace) -> int:
    destroy_stage(deployment, input, delete_data=options.delete_data)
    return 0


def _drift(deployment: Deployment, options: argparse.Namespace) -> int:
    drifts = drift_of(deployment)
    for drift in drifts:
        _say(str(drift))
    _say("no drift" if not drifts else f"{len(drifts)} drifted")
    return 2 if drifts else 0


def _settings(deployment: Deployment, options: argparse.Namespace) -> int:
    for name, value in deployment.settings().items():
        _say(f"{name}={value}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
