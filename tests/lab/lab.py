"""The lab as a whole: everything up, everything down, and nothing left behind."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.lab import machines
from tests.lab.estate import APT_PROXY_PORT, GATEWAY, REPOSITORY, Estate
from tests.lab.image import ensure_base, mirrors
from tests.lab.shell import LabError, accepts, living, say, start, stop, wait_until

BACKGROUND = ("backing", "apt-proxy")
"""Programs beside the machines, in the order in which they are stopped."""


def up(estate: Estate, names: list[str]) -> None:
    """Bring up the bridge, the package proxy, PostgreSQL with the local AWS, and the machines named. Safe to repeat."""
    machines.bridge_up(estate)
    _start_proxy(estate)
    ensure_base(estate)
    _start_backing(estate)
    machines.up(estate, names)


def down(estate: Estate) -> None:
    """Destroy the machines, stop the programs, remove the bridge. Safe in any state; the caches are kept.

    Goes on past what fails, so that one stubborn part leaves no other behind, and raises LabError at the end.
    """
    problems: list[str] = []
    # All are asked at once: each powers off in its own time.
    for machine in estate.machines_made():
        machines.ask_to_power_off(machine)
    for machine in estate.machines_made():
        try:
            machines.destroy(machine)
        except (LabError, OSError) as error:
            problems.append(f"{machine.name}: {error}")
    for name in BACKGROUND:
        try:
            stop(_pid_file(estate, name))
        except (LabError, OSError) as error:
            problems.append(f"{name}: {error}")
    machines.bridge_down(estate)
    for folder in (estate.home, estate.run):
        shutil.rmtree(folder, ignore_errors=True)
    estate.known_hosts.unlink(missing_ok=True)
    if problems:
        raise LabError("\n".join(problems))


def leftovers(estate: Estate) -> list[str]:
    """What is still there of a lab that was taken down: mounts, the bridge, groups, processes. Nothing, that is."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    found = [f"mount {line.split()[1]}" for line in mounts if str(estate.folder) in line]
    if Path(f"/sys/class/net/{machines.BRIDGE}").exists():
        found.append(f"bridge {machines.BRIDGE}")
    found += [f"group {folder.parent}" for folder in machines.cgroup_folders("any") if folder.parent.exists()]
    found += [f"process {pid} ({name})" for name, pid in background(estate).items()]
    return found + [f"machine {machine.name}" for machine in estate.machines_made()]


def background(estate: Estate) -> dict[str, int]:
    """The programs that run beside the machines now."""
    found = {name: living(_pid_file(estate, name)) for name in BACKGROUND}
    return {name: pid for name, pid in found.items() if pid is not None}


def _pid_file(estate: Estate, name: str) -> Path:
    return estate.run / f"{name}.pid"


def _start_proxy(estate: Estate) -> None:
    if living(_pid_file(estate, "apt-proxy")):
        return
    command = [sys.executable, "-m", "tests.lab.aptproxy", GATEWAY, str(APT_PROXY_PORT), estate.cache / "apt"]
    estate.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    start([*command, *mirrors()], _pid_file(estate, "apt-proxy"), estate.run / "apt-proxy.log", REPOSITORY)
    wait_until(lambda: accepts(GATEWAY, APT_PROXY_PORT), 20.0, "the package proxy")


def _start_backing(estate: Estate) -> None:
    from tests.lab import backing

    if living(_pid_file(estate, "backing")):
        return
    # Half of an earlier run is worth nothing: the local AWS forgets, and PostgreSQL would not.
    shutil.rmtree(estate.home, ignore_errors=True)
    (estate.run / "backing.json").unlink(missing_ok=True)
    (estate.run / "postgres-away").unlink(missing_ok=True)
    say("lab: starting PostgreSQL and the local AWS on the bridge")
    start(
        [sys.executable, "-m", "tests.lab.backing"],
        _pid_file(estate, "backing"),
        estate.run / "backing.log",
        REPOSITORY,
    )
    backing.wait_until_ready(estate, _pid_file(estate, "backing"))
