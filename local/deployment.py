"""The project's own templates, deployed to the local AWS by the project's own deployer."""

from __future__ import annotations

from local.aws import LocalAws

LAYERS = ("20-data", "30-messaging", "40-orders")
"""What exists on a laptop; networks, balancers and pipelines belong to AWS."""


def deploy(aws: LocalAws) -> dict[str, str]:
    """Bring the stacks up to date; nothing is changed where nothing has to be.

    Returns the settings that the stacks give to the programs, by environment name.
    """
    from cloudformation.deploy.stage import deploy_stage

    return dict(deploy_stage("local", endpoint_url=aws.endpoint_url, region=aws.region, only=list(LAYERS)))
