"""The supervisor behind `make run`: brings all parts up in order, keeps them up, and takes them down in order."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from local import deployment, programs
from local.aws import REPOSITORY, LocalAws
from local.home import Home, write_private
from local.options import Options, StartFailed, StartRefused
from local.ports import LOOPBACK, PortChoice
from local.postgres import Cluster, find_binaries
from local.progress import Progress
from local.signals import StopRequested, StopSignals
from local.supervisor import Supervisor
from local.task import task
from local.welcome import welcome

STOP_ORDER = ("web", "worker", "schedule", "inbox", "aws", "postgres")
"""Who takes requests goes first, who holds data goes last."""
ORDER_API_CONCURRENCY = 2
"""Per web process: each call at once is a process of submit_order, and two of them take some 80 orders per second."""
SHOP_PORT, INBOX_PORT, AWS_PORT, POSTGRES_PORT = 8000, 8025, 4566, 5433


class Stack:
    """One run of everything in one home. `open`, then `supervise` until a signal, then `close`, always."""

    def __init__(self, options: Options, home: Home, progress: Progress, signals: StopSignals) -> None:
        self._options = options
        self._home = home
        self._progress = progress
        self._signals = signals
        self._supervisor = Supervisor(
            say=lambda text: progress.say(f"  ! {text}"),
            held=signals.held,
            on_restart=self._restarted,
        )
        self._ports = PortChoice()
        self._choose_ports()
        self._aws = LocalAws(home.aws, self._aws_port, options.region, home.mail, faults=options.aws_faults)
        self._cluster: Cluster | None = None
        if not options.database_url:
            binaries = find_binaries(options.postgres_binaries)
            self._cluster = Cluster(home.postgres, binaries, self._postgres_port)
        self._environment: dict[str, str] = {}

    def open(self) -> None:
        """Bring everything up and publish run.json. Raises StartRefused or StartFailed."""
        self._home.remove_run_file()
        self._progress.say(f"Cartwright starts. Its data is in {self._home.path}")
        if self._aws.stopped_uncleanly() or (self._database_is_older() and not self._aws.has_state()):
            self._note_loss()
        self._start_servers()
        self._prepare_stores()
        self._start_programs()
        self._write_run_file()
        self._progress.say(welcome(self._urls(), self._progress.elapsed_seconds(), self._home))

    def supervise(self) -> None:
        """Keep everything running; ends with StopRequested."""
        self._supervisor.watch(also=self._signals.look_at_terminal)

    def close(self) -> None:
        """Stop everything, in order; safe to call in any state."""
        self._home.remove_run_file()
        if self._supervisor.pids():
            with self._progress.step("Stopping"):
                self._supervisor.stop_all(STOP_ORDER)
        self._ports.release()

    def _choose_ports(self) -> None:
        options, port = self._options, self._ports.choose
        self._shop_port = port("the shop", SHOP_PORT, options.shop_port, "CARTWRIGHT_PORT")
        self._inbox_port = port("the in-box", INBOX_PORT, options.inbox_port, "CARTWRIGHT_INBOX_PORT")
        self._aws_port = port("the local AWS", AWS_PORT, options.aws_port, "CARTWRIGHT_AWS_PORT")
        self._postgres_port = port(
            "PostgreSQL", POSTGRES_PORT, options.postgres_port, "CARTWRIGHT_POSTGRES_PORT"
        )

    def _start_servers(self) -> None:
        # Side by side: the local AWS loads its state while initdb runs.
        with self._progress.step("Local AWS and PostgreSQL") as step:
            self._aws.prepare()
            self._supervisor.launch(self._aws.child(self._home.log("aws")))
            where = f"AWS on port {self._aws_port}"
            if self._cluster is not None:
                self._cluster.initialise()
                self._supervisor.start(self._cluster.child(self._home.log("postgres")))
                self._cluster.ensure_owner_and_database()
                where += f", PostgreSQL on port {self._postgres_port}"
            else:
                where += ", your own PostgreSQL (CARTWRIGHT_DATABASE_URL)"
            self._supervisor.await_ready("aws")
            step.detail = where

    def _prepare_stores(self) -> None:
        """Deploy the stacks while another process migrates the database and imports the catalogue; then the stock."""
        database = ["-m", "local.seed", "database"]
        with task(
            "Migrating", database, self._programs_environment(), self._home.log("seed-database")
        ) as seeding:
            with self._progress.step("CloudFormation stacks") as step:
                step.detail = self._deploy()
            with self._progress.step("Database schema and catalogue") as step:
                step.detail = seeding.result()
        self._fill_shelves()
        if self._recovery_due.exists():
            self._recover()

    def _deploy(self) -> str:
        lines: list[str] = []
        outputs = deployment.deploy(self._aws, self._shop_url, lines.append)
        self._environment = self._programs_environment(outputs)
        # The deployer ends a layer that it changed with `20-data: done in 0.3 s`.
        changed = [line.partition(":")[0] for line in lines if ": done in " in line]
        return ", ".join(changed) if changed else "unchanged"

    def _fill_shelves(self) -> None:
        # The mark lies with the state of the local AWS: who throws that away gets full shelves again.
        mark, wanted = self._home.aws / "stocked", seed_fingerprint()
        if mark.exists() and mark.read_text("ascii") == wanted:
            return
        with self._progress.step("Stock") as step:
            stock = ["-m", "local.seed", "stock"]
            with task(
                "Filling the shelves", stock, self._environment, self._home.log("seed-stock")
            ) as seeding:
                step.detail = seeding.result()
        mark.write_text(wanted, "ascii")

    def _recover(self) -> None:
        self._progress.say(
            "  ! The local AWS has lost what came after its start: it was killed, or its folder is gone."
        )
        with self._progress.step("Rebuilding it from PostgreSQL") as step:
            again = ["-m", "local.recovery"]
            with task("Rebuilding", again, self._environment, self._home.log("recovery")) as rebuilding:
                step.detail = rebuilding.result()
        self._recovery_due.unlink()

    def _start_programs(self) -> None:
        home, environment = self._home, self._through_proxies(self._environment)
        environment = {**environment, "CARTWRIGHT_INBOX_URL": f"http://{LOOPBACK}:{self._inbox_port}/"}
        with self._progress.step("Shop, worker, in-box") as step:
            children = (
                programs.web(home, environment, self._shop_port),
                programs.worker(home, environment),
                programs.inbox(home, environment, self._inbox_port),
                programs.schedule(home, environment),
            )
            for child in children:
                self._supervisor.launch(child)
            for child in children:
                self._supervisor.await_ready(child.name)
            step.detail = f"shop on port {self._shop_port}, in-box on port {self._inbox_port}"

    def _restarted(self, name: str) -> None:
        if name == "aws":
            self._reopen_after_loss()
        elif self._home.run_file.exists():
            self._write_run_file()  # It names the processes of now.

    def _reopen_after_loss(self) -> None:
        """The local AWS died while the shop was open: what it held since its start is gone."""
        self._home.remove_run_file()
        self._supervisor.stop_some(("web", "worker", "schedule", "inbox"))
        self._note_loss()
        self._prepare_stores()
        self._start_programs()
        self._write_run_file()
        self._progress.say(f"  The shop is open again: {self._shop_url}")

    def _database_is_older(self) -> bool:
        """Whether there is a PostgreSQL from an earlier run: one of our own, or a person's, which may be anything."""
        return self._cluster is None or self._cluster.exists()

    def _note_loss(self) -> None:
        # A file, not a variable: a recovery that is cut short is due again at the next start.
        self._recovery_due.touch()
        (self._home.aws / "stocked").unlink(missing_ok=True)

    @property
    def _recovery_due(self) -> Path:
        return self._home.path / "recovery-due"

    @property
    def _shop_url(self) -> str:
        return f"http://127.0.0.1:{self._shop_port}"

    def _urls(self) -> dict[str, str]:
        return {
            "shop": self._shop_url,
            "console": f"{self._shop_url}/console",
            "inbox": f"http://127.0.0.1:{self._inbox_port}",
            "api": self._environment["CARTWRIGHT_ORDER_API_URL"],
        }

    def _write_run_file(self) -> None:
        pids, environment = self._supervisor.pids(), self._environment
        self._home.write_run_file(
            {
                "urls": self._urls(),
                "database_url": environment["CARTWRIGHT_DATABASE_URL"],
                "aws_endpoint_url": self._aws.endpoint_url,
                # Without a PostgreSQL of our own there is no process to name.
                "pids": {name: pids.get(name) for name in ("web", "worker", "postgres", "aws")},
                "environment": {
                    name: value
                    for name, value in environment.items()
                    if name.startswith(("CARTWRIGHT_", "AWS_"))
                },
            }
        )

    def _programs_environment(self, outputs: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """What the programs see: the person's environment without its AWS account, then what the stacks say, then
        what is true of this run alone."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            "CARTWRIGHT_LOG_FORMAT": "text",
            # Each call at once is a Lambda process here, and starting one takes a core for half a second: a burst of
            # cold starts on a laptop would take longer than the calls may wait.
            "CARTWRIGHT_ORDER_API_CONCURRENCY": str(ORDER_API_CONCURRENCY),
            **inherited,
            **outputs,
            **self._aws.client_environment(),
            "CARTWRIGHT_STAGE": "local",
            "CARTWRIGHT_HOME": str(self._home.path),
            "CARTWRIGHT_DATABASE_URL": self._options.database_url or self._own_database_url(),
            "CARTWRIGHT_PUBLIC_URL": self._shop_url,
            "CARTWRIGHT_SECRET_KEY": self._secret_key(),
            "PYTHONUNBUFFERED": "1",
        }

    def _through_proxies(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What the shop's programs see while a chaos run stands between them and their stores; else the same."""
        via = {
            self._aws_port: self._options.aws_via_port,
            self._postgres_port: self._options.postgres_via_port,
        }
        changed = dict(environment)
        for port, proxy in via.items():
            if proxy is not None:
                here, there = f"{LOOPBACK}:{port}", f"{LOOPBACK}:{proxy}"
                changed = {name: value.replace(here, there) for name, value in changed.items()}
        return changed

    def _own_database_url(self) -> str:
        assert self._cluster is not None  # noqa: S101 - there is one unless the person gave a URL.
        return self._cluster.url()

    def _secret_key(self) -> str:
        """Signs sessions and order links; kept, so that yesterday's links still open."""
        file = self._home.path / "secret-key"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(48))
        return file.read_text("ascii").strip()


def seed_fingerprint() -> str:
    """Changes when the demo catalogue, and so its stock, changes."""
    digest = hashlib.sha256()
    for sheet in sorted((REPOSITORY / "local" / "catalogue").glob("*.csv")):
        digest.update(sheet.read_bytes())
    return digest.hexdigest()


def run(options: Options) -> int:
    """Run until a signal ends it; returns the exit code: 0 stopped, 1 a part failed, 2 a person must act."""
    progress, home = Progress(), Home(options.home)

    def still_stopping(_signal: int) -> None:
        progress.say("  Still stopping: the local AWS saves its state.")

    try:
        home.prepare()
        with home.claimed(), StopSignals(still_stopping) as signals:
            return _run_claimed(options, home, progress, signals)
    except StopRequested:
        return 0
    except StartRefused as refusal:
        progress.say(f"\nCartwright does not start.\n{refusal}")
        return 2


def _run_claimed(options: Options, home: Home, progress: Progress, signals: StopSignals) -> int:
    stack = Stack(options, home, progress, signals)
    try:
        stack.open()
        stack.supervise()
    except StopRequested:
        progress.say("")
        return 0
    except StartFailed as failure:
        progress.say(f"\nCartwright could not start.\n{failure}")
        return 1
    finally:
        signals.finish()
        stack.close()
    return 0
