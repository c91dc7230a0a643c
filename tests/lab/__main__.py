"""The lab from the shell: `python -m tests.lab up`, `status`, `kill web1`, `down`. Needs root on a Debian system."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from tests.lab import lab, machines
from tests.lab.estate import ADDRESSES, MACHINES, Estate
from tests.lab.readiness import prepare, why_not
from tests.lab.shell import LabError, living, say


def _prepare() -> None:
    if reason := prepare():
        raise LabError(reason)


def _up(estate: Estate, names: list[str]) -> None:
    _prepare()
    lab.up(estate, names or list(MACHINES))


def _kill(estate: Estate, names: list[str]) -> None:
    for name in names:
        machines.kill(estate.machine(name))


def _stop(estate: Estate, names: list[str]) -> None:
    for name in names:
        machines.halt(estate.machine(name))


def _destroy(estate: Estate, names: list[str]) -> None:
    for name in names:
        machines.destroy(estate.machine(name))


def _hold(estate: Estate, names: list[str]) -> None:
    _prepare()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), lab.lent(estate, names or list(MACHINES), with_backing=not names):
        say("lab: up; Ctrl-C takes it down")
        signal.pause()


def _down(estate: Estate, _names: list[str]) -> None:
    lab.down(estate)


def _status(estate: Estate, _names: list[str]) -> None:
    for machine in estate.machines_made():
        state = "runs" if living(machine.nspawn_pid) else "is down"
        print(f"{machine.name:8} {machine.address:14} {state}")  # noqa: T201
    for name, pid in lab.background(estate).items():
        print(f"{name:8} process {pid}")  # noqa: T201


def _keep(estate: Estate, names: list[str]) -> None:
    machines.keep(estate.machine(names[0]))


VERBS: dict[str, tuple[Callable[[Estate, list[str]], None], str]] = {
    "up": (
        _up,
        "boot the machines (all, or those named) with PostgreSQL, the local AWS and the package proxy",
    ),
    "kill": (_kill, "pull the plug of a machine; it comes back by itself after a moment"),
    "stop": (_stop, "power a machine off in order; `up` boots it again"),
    "destroy": (_destroy, "pull the plug of a machine for good, and forget its disk"),
    "down": (_down, "destroy all machines and stop everything; only the caches stay"),
    "hold": (_hold, "like `up`, until Ctrl-C; machines that are named come without PostgreSQL and AWS"),
    "status": (_status, "say what runs"),
    "keep": (_keep, "internal: the process that keeps one machine running"),
}


def main() -> int:
    """Carry out one verb. Exit code 2 when the lab cannot run here."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "verb", choices=VERBS, help="\n".join(f"{verb}: {text}" for verb, (_, text) in VERBS.items())
    )
    parser.add_argument("machines", nargs="*", metavar="MACHINE", help=f"of: {', '.join(ADDRESSES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.machines) - set(ADDRESSES):
        parser.error(f"no machine is called {', '.join(sorted(unknown))}; there are: {', '.join(ADDRESSES)}")
    if arguments.verb not in {"up", "hold", "down", "status"} and not arguments.machines:
        parser.error(f"{arguments.verb}: which machine?")
    if reason := why_not():
        say(f"lab: {reason}")
        return 2
    try:
        VERBS[arguments.verb][0](Estate.from_environment(), arguments.machines)
    except LabError as error:
        say(f"lab: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
