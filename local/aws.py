"""The local AWS: ministack as a child process with an environment of its own, its state kept between runs.

What it writes lives in one folder. It saves its state when it is asked to stop and only then, so a file
marks the time between a start and a clean stop: found at a start, it says that the last state is lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from local.child import Child
from local.ports import LOOPBACK

REPOSITORY = Path(__file__).resolve().parent.parent
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - the local AWS knows no other.
MOST_LAMBDAS = max(8, 4 * (os.cpu_count() or 1))
"""Executions at once, the account's limit on AWS. A call that its caller gave up goes on starting its process: where the
processor is busy, callers who ask again would add process after process, none of which ever gets to its start's end."""


@dataclass(frozen=True)
class LocalAws:
    """Where the local AWS keeps its state and which port it answers on."""

    folder: Path
    port: int
    region: str
    mail: Path
    """Where accepted e-mails and text messages are written down (see aws_server.py)."""
    keep_state: bool = True
    faults: Path | None = None
    """A chaos run writes here what shall go wrong (see aws_faults.py)."""

    @property
    def endpoint_url(self) -> str:
        """For AWS_ENDPOINT_URL of every client."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def unclean_marker(self) -> Path:
        """Exists from a start until a clean stop; the server itself sets and removes it."""
        return self.folder / "unclean"

    def stopped_uncleanly(self) -> bool:
        """Whether the last run was killed before it saved its state. Ask before `child` starts the next."""
        return self.unclean_marker.exists()

    def has_state(self) -> bool:
        """Whether an earlier run has left its state here."""
        return (self.folder / "state" / "cloudformation.json").exists()

    def client_environment(self) -> dict[str, str]:
        """The AWS_ variables with which any program talks to this AWS and to no other."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def prepare(self) -> None:
        """Make the folders, and empty the one for unpacked Lambdas: nobody else does."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        for folder in (self._scratch, self.folder / "state", self.folder / "s3", self.mail):
            folder.mkdir(parents=True, exist_ok=True)

    def child(self, log: Path) -> Child:
        """The server as a child process. Call `prepare` before each start."""
        return Child(
            name="aws",
            title="the local AWS",
            command=[sys.executable, "-m", "local.aws_server"],
            directory=REPOSITORY,
            log=log,
            environment=self._server_environment(),
            is_ready=self.answers,
            ready_within_seconds=60.0,
            # SIGTERM makes it save its state; how long that takes grows with the orders it holds.
            stop_signal=signal.SIGTERM,
            stop_within_seconds=60.0,
            lock=self.folder / "lock",
        )

    def answers(self) -> bool:
        """Whether the server is ready for requests."""
        try:
            with urllib.request.urlopen(f"{self.endpoint_url}/_ministack/ready", timeout=2) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    @property
    def _scratch(self) -> Path:
        return self.folder / "tmp"

    def _server_environment(self) -> dict[str, str]:
        # Built from nothing: every Lambda process inherits it, and must not find a database URL or a secret key
        # that it would not have on AWS. PATH only, so that the interpreter's own tools are found.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TMPDIR": str(self._scratch),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GATEWAY_PORT": str(self.port),
            # Its default is every interface, and whoever reaches it can run code.
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # These two would listen on every interface whatever BIND_HOST says.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "PERSIST_STATE": "1" if self.keep_state else "0",
            "S3_PERSIST": "1" if self.keep_state else "0",
            "STATE_DIR": str(self.folder / "state"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            # A warm Lambda answers in 10 ms, a cold one in 350 to 1000: a laptop may keep them for a coffee break.
            "LAMBDA_WARM_TTL_SECONDS": "1800",
            **({"LAMBDA_ACCOUNT_CONCURRENCY": str(MOST_LAMBDAS)} if self.keep_state else {}),
            "CARTWRIGHT_UNCLEAN_MARKER": str(self.unclean_marker),
            "CARTWRIGHT_MAIL_FOLDER": str(self.mail),
            **({"CARTWRIGHT_AWS_FAULTS": str(self.faults)} if self.faults else {}),
        }
