"""The project's own templates, deployed to the local AWS by the project's own deployer."""

from __future__ import annotations

from collections.abc import Callable

from cloudformation.deploy.errors import DeployError, UnsafeChange
from cloudformation.deploy.stage import deploy_stage
from local.aws import LocalAws
from local.options import StartFailed, StartRefused

STAGE = "local"


def deploy(aws: LocalAws, report: Callable[[str], None]) -> dict[str, str]:
    """Bring the stacks of the local stage up to date; what is unchanged is not touched.

    Returns the settings that the stacks give to the programs, by environment name. `report` receives the
    deployer's own lines. Raises StartFailed with the deployer's reason, StartRefused when data would be replaced.
    """
    try:
        return deploy_stage(STAGE, region=aws.region, endpoint_url=aws.endpoint_url, report=report)
    except UnsafeChange as error:
        raise StartRefused(
            f"The templates have changed so that tables or queues would be replaced: {error}\n"
            f"On a laptop nothing is lost by that: delete {aws.folder} and run again. Stock, reservations and tracking\n"
            "are then rebuilt from PostgreSQL."
        ) from error
    except DeployError as error:
        raise StartFailed(f"The stacks could not be deployed: {error}") from error
