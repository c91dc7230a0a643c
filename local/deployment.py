"""The project's own templates, deployed to the local AWS by the project's own deployer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from email.utils import parseaddr
from typing import Any

import boto3

from cloudformation.deploy.errors import DeployError, UnsafeChange
from cloudformation.deploy.stage import deploy_stage
from local.aws import ACCESS_KEY, SECRET_KEY, LocalAws
from local.options import StartFailed, StartRefused

STAGE = "local"
NOTIFIERS_AT_ONCE = 2
"""Batches of notify_customer, the fewest that AWS allows a mapping. Each is a process here, and what comes while both are
busy is one batch: two tell of some fifty orders per second."""


def deploy(aws: LocalAws, shop_url: str, report: Callable[[str], None]) -> dict[str, str]:
    """Bring the stacks of the local stage up to date; what is unchanged is not touched. Then mail may be sent.

    Returns the settings that the stacks give to the programs, by environment name. `report` receives the
    deployer's own lines. Raises StartFailed with the deployer's reason, StartRefused when data would be replaced.
    """
    try:
        settings = deploy_stage(
            STAGE,
            region=aws.region,
            endpoint_url=aws.endpoint_url,
            parameters={"40-orders": {"PublicUrl": shop_url}},
            report=report,
        )
    except UnsafeChange as error:
        raise StartRefused(
            f"The templates have changed so that tables or queues would be replaced: {error}\n"
            f"On a laptop nothing is lost by that: delete {aws.folder} and run again. Stock, reservations and tracking\n"
            "are then rebuilt from PostgreSQL."
        ) from error
    except DeployError as error:
        raise StartFailed(f"The stacks could not be deployed: {error}") from error
    _verify_sender(aws, settings["CARTWRIGHT_MAIL_SENDER"])
    _limit_notifiers(aws)
    return settings


def _verify_sender(aws: LocalAws, sender: str) -> None:
    """What a person does once for AWS by adding DNS records: SES sends for verified domains only."""
    domain = parseaddr(sender)[1].partition("@")[2]
    ses = _client(aws, "sesv2")
    with contextlib.suppress(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity=domain)


def _limit_notifiers(aws: LocalAws) -> None:
    """On AWS ten batches at once cost no more than one; here each would start a process for half a second of a core."""
    functions = _client(aws, "lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        wanted = {"MaximumConcurrency": NOTIFIERS_AT_ONCE}
        functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=wanted)


def _client(aws: LocalAws, service: str) -> Any:
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=aws.region)
    return session.client(service, endpoint_url=aws.endpoint_url)
