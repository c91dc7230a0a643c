"""The AWS clients of one deployment: one place that knows region, endpoint and patience."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cloudformation.deploy.errors import StackStuck

_RETRIES = Config(retries={"mode": "standard", "max_attempts": 6}, user_agent_extra="cartwright-deploy")


@cache
def _session(is_made_up: bool) -> boto3.session.Session:
    """One session per process: it keeps the service models, which take longer to read than most calls take."""
    if is_made_up:
        return boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    return boto3.session.Session()


@dataclass
class Cloud:
    """A region of AWS, or the local AWS when `endpoint_url` is given. Makes each client once."""

    region: str
    endpoint_url: str | None = None
    patience_seconds: float = 3600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service."""
        if service not in self._clients:
            # The local AWS takes any credentials; asking the usual chain would wait for an instance's metadata service.
            is_made_up = self.endpoint_url is not None and "AWS_ACCESS_KEY_ID" not in os.environ
            self._clients[service] = _session(is_made_up).client(
                service, region_name=self.region, endpoint_url=self.endpoint_url, config=self._config(service)
            )
        return self._clients[service]

    def _config(self, service: str) -> Config:
        if service == "s3" and self.endpoint_url:
            return _RETRIES.merge(Config(s3={"addressing_style": "path"}))
        return _RETRIES

    def wait_steps(self, what: str) -> Iterator[float]:
        """Pauses between two looks at something slow: short on the laptop, up to five seconds on AWS.

        Yields the seconds waited so far. Raises StackStuck when the patience is used up.
        """
        started = self.clock()
        pause, longest = (0.02, 0.2) if self.endpoint_url else (1.0, 5.0)
        while (waited := self.clock() - started) < self.patience_seconds:
            yield waited
            self.sleep(pause)
            pause = min(pause * 1.5, longest)
        raise StackStuck(
            f"{what} has not ended within {self.patience_seconds:.0f} s; run the command again to resume"
        )


def error_code(error: ClientError) -> str:
    """AWS's short code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_text(error: ClientError) -> str:
    """AWS's sentence about an error."""
    return str(error.response.get("Error", {}).get("Message", error))
