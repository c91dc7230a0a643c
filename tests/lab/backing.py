"""What the machines stand on, served on the bridge: a real PostgreSQL and the local AWS with the project's own stacks.

One background process, `python -m tests.lab.backing`, supervises them as `make run` does. A test takes PostgreSQL away
and gives it back by a file; the process says in another file what it has done.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import deployment, programs
from local.aws import LocalAws
from local.home import Home, write_private
from local.ports import PortChoice
from local.postgres import DURABLE, Cluster, find_binaries
from local.supervisor import Supervisor
from tests.lab.estate import (
    ADDRESSES,
    AWS_PORT,
    GATEWAY,
    INBOX_PORT,
    MARK,
    NETWORK,
    POSTGRES_PORT,
    REPOSITORY,
    Estate,
)
from tests.lab.shell import LabError, living, wait_until

REGION = "eu-west-1"
READY_SECONDS = 240.0
PUBLIC_URL = f"http://{ADDRESSES['lb1']}"
STOP_ORDER = ("inbox", "aws", "postgres")


class BridgeAws(LocalAws):
    """The local AWS, answering on the bridge instead of the loopback address, so that the machines reach it."""

    @property
    def endpoint_url(self) -> str:
        """For AWS_ENDPOINT_URL of every client."""
        return f"http://{GATEWAY}:{self.port}"

    def _server_environment(self) -> dict[str, str]:
        # An instance finds its own metadata only with a token, as the launch templates want it.
        own = {MARK: os.environ[MARK], "MINISTACK_IMDS_V2_REQUIRED": "1"}
        here = {"BIND_HOST": GATEWAY, "MINISTACK_HOST": GATEWAY, "AWS_ENDPOINT_URL": self.endpoint_url}
        return {**super()._server_environment(), **here, **own}


@dataclasses.dataclass(frozen=True)
class Files:
    """How the background process and the others talk."""

    estate: Estate

    @property
    def ready(self) -> Path:
        """JSON: the settings of the programs. Exists while everything is ready."""
        return self.estate.run / "backing.json"

    @property
    def postgres_away(self) -> Path:
        """Whoever makes this file wants PostgreSQL stopped; whoever removes it wants it back."""
        return self.estate.run / "postgres-away"


def wait_until_ready(estate: Estate, pid_file: Path) -> None:
    """Wait for the background process; raises LabError with the end of its log when it gives up."""
    try:
        wait_until(
            lambda: Files(estate).ready.exists() or living(pid_file) is None,
            READY_SECONDS,
            "PostgreSQL and the AWS",
        )
    finally:
        if not Files(estate).ready.exists():
            log = (estate.run / "backing.log").read_text(encoding="utf-8", errors="replace")
            raise LabError(f"PostgreSQL and the local AWS did not come up:\n{log[-4000:]}")


def facts(estate: Estate) -> dict[str, Any]:
    """What the background process wrote: the environment of programs on this computer, and what the hosts need."""
    return dict(json.loads(Files(estate).ready.read_text(encoding="utf-8")))


class Backing:
    """The background process."""

    def __init__(self, estate: Estate) -> None:
        self._files = Files(estate)
        self._home = Home(estate.home)
        self._supervisor = Supervisor(say=lambda text: print(text, flush=True))  # noqa: T201
        self._aws = BridgeAws(self._home.aws, AWS_PORT, REGION, self._home.mail, keep_state=False)
        listening = {**DURABLE, "listen_addresses": f"127.0.0.1,{GATEWAY}"}
        # These two listen on the loopback address as well, where other servers may be.
        self._ports = PortChoice()
        postgres_port = self._ports.choose("PostgreSQL", POSTGRES_PORT, None, "")
        self._inbox_port = self._ports.choose("the in-box", INBOX_PORT, None, "")
        self._cluster = Cluster(self._home.postgres, find_binaries(), postgres_port, listening)

    def open(self) -> None:
        """Bring everything up, deploy, migrate and seed; then say that it is ready."""
        self._home.prepare()
        self._aws.prepare()
        self._supervisor.launch(self._aws.child(self._home.log("aws")))
        if self._cluster.initialise():
            with (self._home.postgres / "pg_hba.conf").open("a", encoding="ascii") as rules:
                rules.write(f"host all all {NETWORK}.0/24 scram-sha-256\n")
        self._start_postgres()
        self._cluster.ensure_owner_and_database()
        self._supervisor.await_ready("aws")
        environment = self._deploy_and_seed()
        self._supervisor.start(programs.inbox(self._home, environment, self._inbox_port))
        self._put_secret(environment["CARTWRIGHT_SECRET_KEY"])
        content = {
            "environment": environment,
            "host_settings": self._host_settings(environment["CARTWRIGHT_ORDER_API_URL"]),
            "inbox": f"http://127.0.0.1:{self._inbox_port}",
        }
        write_private(self._files.ready, json.dumps(content, indent=2))

    def serve(self) -> None:
        """Keep everything running until SIGTERM."""
        while True:
            self._supervisor.look()
            if self._files.postgres_away.exists() == self._supervisor.is_running("postgres"):
                if self._files.postgres_away.exists():
                    self._supervisor.stop("postgres")
                else:
                    self._start_postgres()
            time.sleep(0.1)

    def close(self) -> None:
        """Stop everything, in order."""
        self._files.ready.unlink(missing_ok=True)
        self._supervisor.stop_some(STOP_ORDER)

    def _start_postgres(self) -> None:
        child = self._cluster.child(self._home.log("postgres"))
        marked = {**child.environment, MARK: os.environ[MARK]}
        self._supervisor.start(dataclasses.replace(child, environment=marked))

    def _deploy_and_seed(self) -> Mapping[str, str]:
        outputs = deployment.deploy(self._aws, PUBLIC_URL, lambda line: print(line, flush=True))  # noqa: T201
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            **self._aws.client_environment(),
            **outputs,
            "CARTWRIGHT_STAGE": "local",
            "CARTWRIGHT_DATABASE_URL": self._cluster.url(),
            "CARTWRIGHT_PUBLIC_URL": PUBLIC_URL,
            "CARTWRIGHT_SECRET_KEY": secrets.token_urlsafe(48),
            "CARTWRIGHT_HOME": str(self._home.path),
            "PYTHONUNBUFFERED": "1",
        }
        for part in ("database", "stock"):
            subprocess.run(
                [sys.executable, "-m", "local.seed", part], cwd=REPOSITORY, env=environment, check=True
            )
        return environment

    def _host_settings(self, order_api_url: str) -> dict[str, Any]:
        """What an inventory says about the lab's hosts; all else they read from SSM, as on EC2."""
        clients = self._aws.client_environment()
        return {
            "cartwright_environment": {
                name: clients[name]
                for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            },
            "cartwright_settings": {
                "database_url": self._cluster.url().replace("127.0.0.1", GATEWAY),
                "public_url": PUBLIC_URL,
                # SSM holds the address of an API on AWS; the local AWS answers for it at one of its own.
                "order_api_url": order_api_url,
            },
        }

    def _put_secret(self, secret: str) -> None:
        """The key that signs sessions and links, where it is on AWS: a secret, named by a parameter."""
        import boto3

        session = boto3.Session("test", "test", region_name=REGION)
        made = session.client("secretsmanager", endpoint_url=self._aws.endpoint_url).create_secret(
            Name="cartwright-lab-secret-key", SecretString=secret
        )
        session.client("ssm", endpoint_url=self._aws.endpoint_url).put_parameter(
            Name="/cartwright/local/secret-key-secret-arn", Value=made["ARN"], Type="String", Overwrite=True
        )


def main() -> None:
    """Run until SIGTERM."""

    def stop(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    backing = Backing(Estate.from_environment())
    try:
        backing.open()
        backing.serve()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        backing.close()


if __name__ == "__main__":
    main()
