"""The lab as a whole: everything up, everything down, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.lab import machines
from tests.lab.estate import APT_PROXY_PORT, GATEWAY, MARK, REPOSITORY, Estate
from tests.lab.image import base_is_missing, ensure_base, mirrors
from tests.lab.phases import BASE, UP, phase
from tests.lab.shell import LabError, accepts, carrying, end, living, start, stop, wait_until

BACKGROUND = ("backing", "apt-proxy")
"""Programs beside the machines, in the order in which they are stopped."""
GUARD = "guard"


@contextmanager
def lent(estate: Estate, names: list[str], with_backing: bool = True) -> Iterator[None]:
    """The lab for as long as the block runs: fresh, and gone afterwards without a trace, however the block ends.

    Also when this process is killed: a guard, a process of its own, waits for its end and takes the lab down then.
    And should the guard be killed as well, the next one who is lent the lab takes the old one down first.
    """
    down(estate)
    _start_guard(estate)
    try:
        up(estate, names, with_backing)
        yield
    finally:
        down(estate)
        if found := leftovers(estate):
            raise LabError(f"the lab left behind: {', '.join(found)}")


def up(estate: Estate, names: list[str], with_backing: bool = True) -> None:
    """Bring up the bridge, the package proxy, PostgreSQL with the local AWS, and the machines named. Safe to repeat."""
    with _alone(estate):
        machines.bridge_up(estate)
        _start_proxy(estate)
        if with_backing:
            # It takes a while, and needs no machine.
            _start_backing(estate)
        if base_is_missing(estate):
            with phase(estate, BASE):
                ensure_base(estate)
        with phase(estate, UP):
            machines.up(estate, names)
            if with_backing:
                _wait_for_backing(estate)


def down(estate: Estate) -> None:
    """Destroy the machines, stop the programs, remove the bridge. Safe in any state; the caches are kept.

    Goes on past what fails, so that one stubborn part leaves no other behind, and raises LabError at the end.
    """
    with _alone(estate):
        _take_down(estate)


@contextmanager
def _alone(estate: Estate) -> Iterator[None]:
    """One process at a time brings the lab up or down; another one waits for it."""
    estate.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (estate.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _take_down(estate: Estate) -> None:
    problems: list[str] = []

    def attempt(what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except (LabError, OSError) as error:
            problems.append(f"{what}: {error}")

    for machine in estate.machines_made():
        machines.cut_off(machine)
    # What takes long is to forget the disks, and that is waiting: at once for all of them.
    with ThreadPoolExecutor(thread_name_prefix="take-down") as hands:
        for machine in estate.machines_made():
            hands.submit(attempt, machine.name, partial(machines.destroy, machine))
    for name in BACKGROUND:
        attempt(name, partial(stop, _pid_file(estate, name)))
    # What has lost its pid file in a crash, and ssh's connections that wait for the next command.
    attempt("other processes", lambda: end(parts(estate)))
    attempt("the bridge", lambda: machines.bridge_down(estate))
    shutil.rmtree(estate.home, ignore_errors=True)
    estate.known_hosts.unlink(missing_ok=True)
    if problems:
        # The guard stays, to try it again at the end.
        raise LabError("\n".join(problems))
    if living(_pid_file(estate, GUARD)) != os.getpid():
        stop(_pid_file(estate, GUARD))
    shutil.rmtree(estate.run, ignore_errors=True)


def leftovers(estate: Estate) -> list[str]:
    """What is still there of a lab that was taken down: mounts, the bridge, groups, processes. Nothing, that is."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    found = [f"mount {line.split()[1]}" for line in mounts if str(estate.folder) in line]
    if Path(f"/sys/class/net/{machines.BRIDGE}").exists():
        found.append(f"bridge {machines.BRIDGE}")
    found += [f"group {folder.parent}" for folder in machines.cgroup_folders("any") if folder.parent.exists()]
    found += [f"process {pid} ({_command(pid)})" for pid in parts(estate)]
    return found + [f"machine {machine.name}" for machine in estate.machines_made()]


def parts(estate: Estate) -> list[int]:
    """Every process of the lab outside the machines, but for the guard and for this one."""
    guarding = living(_pid_file(estate, GUARD))
    return [pid for pid in carrying(MARK, str(estate.folder)) if pid != guarding]


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return "ended meanwhile"


def background(estate: Estate) -> dict[str, int]:
    """The programs that run beside the machines now."""
    found = {name: living(_pid_file(estate, name)) for name in BACKGROUND}
    return {name: pid for name, pid in found.items() if pid is not None}


def _pid_file(estate: Estate, name: str) -> Path:
    return estate.run / f"{name}.pid"


def _start_guard(estate: Estate) -> None:
    command = [sys.executable, "-m", "tests.lab.guard", str(os.getpid())]
    log = estate.run / "guard.log"
    start(command, _pid_file(estate, GUARD), log, REPOSITORY, estate.environment)


def _start_proxy(estate: Estate) -> None:
    if living(_pid_file(estate, "apt-proxy")):
        return
    command = [sys.executable, "-m", "tests.lab.aptproxy", GATEWAY, str(APT_PROXY_PORT), estate.cache / "apt"]
    estate.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = estate.run / "apt-proxy.log"
    start([*command, *mirrors()], _pid_file(estate, "apt-proxy"), log, REPOSITORY, estate.environment)
    wait_until(lambda: accepts(GATEWAY, APT_PROXY_PORT), 20.0, "the package proxy")


def _start_backing(estate: Estate) -> None:
    if living(_pid_file(estate, "backing")):
        return
    # Half of an earlier run is worth nothing: the local AWS forgets, and PostgreSQL would not.
    shutil.rmtree(estate.home, ignore_errors=True)
    (estate.run / "backing.json").unlink(missing_ok=True)
    (estate.run / "postgres-away").unlink(missing_ok=True)
    start(
        [sys.executable, "-m", "tests.lab.backing"],
        _pid_file(estate, "backing"),
        estate.run / "backing.log",
        REPOSITORY,
        estate.environment,
    )


def _wait_for_backing(estate: Estate) -> None:
    from tests.lab import backing

    backing.wait_until_ready(estate, _pid_file(estate, "backing"))
