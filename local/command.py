"""The command line of the laptop's platform: what each word does, and with which exit code it ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence

from local.home import Home
from local.options import Options, StartRefused

STOP_WITHIN_SECONDS = 120.0
"""A little more than the longest stop of a child: a local AWS that saves many orders."""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: done. 1: something failed. 2: it was not even tried, and the message says why."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    words = parser.add_subparsers(dest="word", required=True, metavar="run | stop | status | exec")
    words.add_parser("run", help="start everything and keep it running until Ctrl-C")
    words.add_parser("stop", help="stop what `run` has started, from another terminal")
    words.add_parser("status", help="say whether it runs, and where (exit code 1 when it does not)")
    execute = words.add_parser("exec", help="run a program with the settings of the running stack")
    execute.add_argument("command", nargs=argparse.REMAINDER, metavar="PROGRAM ...")
    given = parser.parse_args(arguments)
    word = given.word
    try:
        options = Options.from_environment(os.environ)
        if word == "run":
            return _run(options)
        home = Home(options.home)
        if word == "exec":
            return _exec(home, [part for part in given.command if part != "--"])
        return _stop(home) if word == "stop" else _status(home)
    except StartRefused as refusal:
        print(refusal, file=sys.stderr)
        return 2


def _run(options: Options) -> int:
    from local.stack import run  # The other words answer without loading the whole platform.

    return run(options)


def _stop(home: Home) -> int:
    pid = home.supervisor_pid()
    if pid is None:
        print("Cartwright does not run.")
        return 0
    os.kill(pid, signal.SIGTERM)
    print("Stopping Cartwright …", flush=True)
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    while home.supervisor_pid() == pid:
        if time.monotonic() > deadline:
            print(
                f"Process {pid} still runs after {STOP_WITHIN_SECONDS:.0f} s; see {home.logs}.",
                file=sys.stderr,
            )
            return 1
        time.sleep(0.1)
    print("Stopped.")
    return 0


def _status(home: Home) -> int:
    pid, content = home.supervisor_pid(), home.read_run_file()
    if pid is None:
        print("Cartwright does not run.")
        return 1
    if content is None:
        print(f"Cartwright is starting or stopping (process {pid}).")
        return 1
    print(f"Cartwright runs (process {pid}).")
    for name, url in content["urls"].items():
        print(f"  {name:8} {url}")
    return 0


def _exec(home: Home, command: Sequence[str]) -> int:
    """Become the program, with run.json's environment over this one's. Returns only when that is impossible."""
    content = home.read_run_file()
    if content is None or home.supervisor_pid() is None:
        raise StartRefused("Cartwright does not run: start it with `make run` in another terminal.")
    if not command:
        raise StartRefused("Which program? For instance: python -m local exec flask --app webapp.wsgi routes")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        os.execvpe(command[0], list(command), own | content["environment"])  # noqa: S606
    except OSError as error:
        raise StartRefused(f"{command[0]}: {error.strerror}") from error
