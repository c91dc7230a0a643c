"""How the project's own programs are started on a laptop: one Child for each of them."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

from local.aws import REPOSITORY
from local.child import Child
from local.home import Home
from local.ports import LOOPBACK, accepts

WEB_WORKERS = 2


def web(home: Home, environment: Mapping[str, str], port: int) -> Child:
    """PROGRAM 1 under gunicorn with gevent workers, as on EC2 but without nginx in front."""
    return Child(
        name="web",
        title="the shop",
        command=[
            *(sys.executable, "-m", "gunicorn"),
            *("--config", str(REPOSITORY / "webapp" / "gunicorn.conf.py")),
            *("--bind", f"{LOOPBACK}:{port}", "--workers", str(WEB_WORKERS)),
            "webapp.wsgi:app",
        ],
        directory=REPOSITORY,
        log=home.log("web"),
        environment=environment,
        is_ready=lambda: _answers(f"http://{LOOPBACK}:{port}/healthz"),
        ready_within_seconds=120.0,
        stop_within_seconds=30.0,
    )


def worker(home: Home, environment: Mapping[str, str]) -> Child:
    """PROGRAM 3. It hands back what it holds within its own time limit at SIGTERM."""
    return Child(
        name="worker",
        title="the worker",
        command=[sys.executable, "-m", "worker", "run"],
        directory=REPOSITORY,
        log=home.log("worker"),
        environment=environment,
        stop_within_seconds=30.0,
    )


def inbox(home: Home, environment: Mapping[str, str], port: int) -> Child:
    """The page that shows e-mails and text messages."""
    return Child(
        name="inbox",
        title="the in-box",
        command=[sys.executable, "-m", "local.inbox", "--port", str(port), "--folder", str(home.mail)],
        directory=REPOSITORY,
        log=home.log("inbox"),
        environment=environment,
        is_ready=lambda: accepts(port),
    )


def schedule(home: Home, environment: Mapping[str, str]) -> Child:
    """The quick clock behind the deployed schedule rules."""
    return Child(
        name="schedule",
        title="the schedule",
        command=[sys.executable, "-m", "local.schedule"],
        directory=REPOSITORY,
        log=home.log("schedule"),
        environment=environment,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False
