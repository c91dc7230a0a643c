"""A stage to rehearse on: the local AWS and PostgreSQL in a home of the drill's own, without the shop's open doors."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from local import deployment
from local.aws import LocalAws
from local.home import Home
from local.options import DEFAULT_REGION, StartFailed, StartRefused
from local.ports import any_free
from local.postgres import OWNER, Cluster, find_binaries
from local.supervisor import Supervisor
from local.task import task
from orders.settings import Settings

SIGN = "this-is-a-drill"
"""A file that marks a home as the drill's own: nothing else is ever emptied."""
URL = "http://127.0.0.1:8000"
"""The shop's address in links; no shop runs here."""


@dataclass
class DrillStage:
    """One home with both servers. `open`, then `destroy` and `open` as often as the drill wants, then `close`."""

    home: Home
    supervisor: Supervisor = field(default_factory=lambda: Supervisor(say=print))
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def prepared(cls, path: Path, copy_of: Path | None = None) -> DrillStage:
        """An empty stage, or one with a copy of a shop's data. Raises StartRefused rather than touch a shop's home."""
        if path.exists() and any(path.iterdir()) and not (path / SIGN).exists():
            raise StartRefused(
                f"{path} is not empty and no drill made it. Give the drill a folder of its own."
            )
        shutil.rmtree(path, ignore_errors=True)
        if copy_of is not None:
            _copy(Home(copy_of), path)
        home = Home(path)
        home.prepare()
        (path / SIGN).touch()
        return cls(home)

    @cached_property
    def binaries(self) -> Path:
        """Where pg_dump and the others are."""
        return find_binaries()

    @cached_property
    def cluster(self) -> Cluster:
        """PostgreSQL, on a port of the drill's own."""
        return Cluster(self.home.postgres, self.binaries, any_free())

    @cached_property
    def aws(self) -> LocalAws:
        """The local AWS, on a port of the drill's own."""
        return LocalAws(self.home.aws, any_free(), DEFAULT_REGION, self.home.mail)

    def open(self) -> None:
        """Start both servers on what is there, make what is missing, deploy the stacks. Writes no schema, no data."""
        self.aws.prepare()
        self.supervisor.launch(self.aws.child(self.home.log("aws")))
        self.cluster.initialise()
        self.supervisor.start(self.cluster.child(self.home.log("postgres")))
        self.cluster.ensure_owner_and_database()
        self.supervisor.await_ready("aws")
        outputs = deployment.deploy(self.aws, URL, lambda line: None)
        self.environment = self._programs_environment(outputs)
        # The clients of this process, too, talk to this AWS and to no other.
        os.environ.update(
            {name: value for name, value in self.environment.items() if name.startswith("AWS_")}
        )

    def destroy(self) -> None:
        """The disaster: both servers stop and all that they have written is deleted, the messages in the queues too."""
        self.close()
        for folder in (self.home.aws, self.home.postgres, self.home.mail):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Stop the servers. Safe in any state."""
        self.supervisor.stop_all(("aws", "postgres"))

    @property
    def settings(self) -> Settings:
        """The settings of the stage's programs."""
        return Settings.from_environment(self.environment)

    def run(self, title: str, arguments: Sequence[str]) -> str:
        """Run `python ARGUMENTS` with the stage's settings to its end; its last line. Raises StartFailed."""
        with task(
            title, arguments, self.environment, self.home.log(arguments[1].replace(".", "-"))
        ) as running:
            return running.result()

    def postgres_tool(self, tool: str, *arguments: str) -> None:
        """Run pg_dump or pg_restore on the shop's database. Raises StartFailed with what it says."""
        command = [str(self.binaries / tool), *arguments, f"--dbname={self.cluster.superuser_dsn(OWNER)}"]
        # A database URL on a command line would be there for all to read, were it not this laptop's own.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartFailed(f"{tool} failed ({done.returncode}):\n{done.stderr.strip()}")

    def _programs_environment(self, outputs: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARTWRIGHT_"))
        }
        return {
            **inherited,
            **outputs,
            **self.aws.client_environment(),
            "CARTWRIGHT_LOG_FORMAT": "text",
            "CARTWRIGHT_STAGE": "local",
            "CARTWRIGHT_HOME": str(self.home.path),
            "CARTWRIGHT_DATABASE_URL": self.cluster.url(),
            "CARTWRIGHT_PUBLIC_URL": URL,
            "CARTWRIGHT_SECRET_KEY": "a-drill-signs-nothing-that-lasts-0123456789",
            "PYTHONUNBUFFERED": "1",
        }


def _copy(shop: Home, target: Path) -> None:
    """Copy a shop's data. It must not run: a copy of files that change is a copy of nothing."""
    if not shop.path.is_dir():
        raise StartRefused(f"There is no shop in {shop.path}.")
    if shop.supervisor_pid() is not None:
        raise StartRefused(
            f"The shop in {shop.path} runs. Stop it first (make stop): the drill works on a copy."
        )
    target.mkdir(mode=0o700, parents=True)
    for folder in (shop.postgres, shop.aws, shop.mail):
        if folder.is_dir():
            shutil.copytree(folder, target / folder.name)
    for password in shop.path.glob("postgres.*.password"):
        shutil.copy(password, target / password.name)
