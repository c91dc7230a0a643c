"""The lab's machines: Debian systems booted by systemd-nspawn on a private bridge, each on a copy-on-write root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.estate import ADDRESSES, BRIDGE, NETWORK, REPOSITORY, Estate, Machine
from tests.lab.shell import LabError, accepts, living, run, say, start, started_at, stop, wait_until

BOOT_SECONDS = 60.0
POWER_OFF_SECONDS = 45.0
REPAIR_SECONDS = 3.0
"""How long a crashed machine stays away before its keeper boots it again, as an instance recovery would."""
CGROUP = "cartwright-lab"


def cgroup_folders(name: str) -> list[Path]:
    """Where a machine's processes are counted: in systemd's hierarchies, be they the old, the mixed or the new kind."""
    top = Path("/sys/fs/cgroup")
    roots = [top] if (top / "cgroup.controllers").exists() else [top / "systemd", top / "unified"]
    return [root / CGROUP / name for root in roots if root.is_dir()]


def up(estate: Estate, names: list[str]) -> None:
    """Boot machines; those that run already are left alone. Returns when each of them takes ssh connections."""
    for name in names:
        machine = estate.machine(name)
        if living(machine.keeper_pid) is None:
            _mount(estate, machine)
            _personalise(machine)
            machine.wanted.touch()
            start(
                [sys.executable, "-m", "tests.lab", "keep", name],
                machine.keeper_pid,
                machine.console,
                REPOSITORY,
                estate.environment,
            )
    for name in names:
        wait_for_ssh(estate.machine(name))


def wait_for_ssh(machine: Machine) -> None:
    """Wait until the machine takes ssh connections; raises LabError with its console when it does not."""
    try:
        wait_until(
            lambda: accepts(machine.address, 22), BOOT_SECONDS, f"{machine.name} to take ssh connections"
        )
    except LabError as error:
        tail = machine.console.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise LabError(f"{error}; its console ends with:\n{tail}") from error


def kill(machine: Machine) -> None:
    """Pull the plug: SIGKILL for process 1, and with it for all others. The keeper boots it again."""
    nspawn = living(machine.nspawn_pid)
    if nspawn is None:
        raise LabError(f"{machine.name} does not run")
    for leader in _children(nspawn):
        os.kill(leader, signal.SIGKILL)
    wait_until(lambda: living(machine.nspawn_pid) != nspawn, 20.0, f"{machine.name} to be dead")


def run_inside(machine: Machine, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script as root inside, as a service of its own; the way in that is left when ssh is closed."""
    nspawn = living(machine.nspawn_pid)
    if nspawn is None:
        raise LabError(f"{machine.name} does not run")
    [leader] = _children(nspawn)
    enter = ("nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid")
    service = ("systemd-run", "--quiet", "--wait", "--pipe", "--collect", "bash", "-c", script)
    return subprocess.run([*enter, *service], capture_output=True, text=True, check=False)


def cut_off(machine: Machine) -> None:
    """Pull the plug for good, without waiting for the end: nothing on this machine is wanted any more."""
    machine.wanted.unlink(missing_ok=True)
    nspawn = living(machine.nspawn_pid)
    for leader in _children(nspawn) if nspawn else []:
        with suppress(ProcessLookupError):
            os.kill(leader, signal.SIGKILL)


def halt(machine: Machine) -> None:
    """Power off in order; nothing boots it again until `up`."""
    machine.wanted.unlink(missing_ok=True)
    stop(machine.keeper_pid, POWER_OFF_SECONDS + 15)
    _end_processes(machine.name)


def destroy(machine: Machine) -> None:
    """Cut the machine off, and forget everything about it."""
    cut_off(machine)
    halt(machine)
    if machine.root.is_mount():
        try:
            run("umount", machine.root)
        except LabError:
            run("umount", "--lazy", machine.root)
    shutil.rmtree(machine.folder)


def keep(machine: Machine) -> None:
    """The keeper, one process per machine: boots it, and boots it again after a reboot or a crash."""
    signal.signal(signal.SIGTERM, lambda *_: _power_off(machine))
    while machine.wanted.exists():
        process = subprocess.Popen(
            _nspawn(machine), stdin=subprocess.DEVNULL, preexec_fn=lambda: _enter(machine.name)
        )
        machine.nspawn_pid.write_text(f"{process.pid} {started_at(process.pid)}\n", encoding="ascii")
        status = process.wait()
        machine.nspawn_pid.unlink(missing_ok=True)
        _end_processes(machine.name)
        if not machine.wanted.exists():
            break
        # 133 is nspawn's word for a reboot that its unit shall carry out.
        if status != 133:
            say(f"{machine.name} died (status {status})")
            time.sleep(REPAIR_SECONDS)


def _power_off(machine: Machine) -> None:
    # nspawn takes a second request for impatience.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    machine.wanted.unlink(missing_ok=True)
    nspawn = living(machine.nspawn_pid)
    if nspawn is None:
        return
    os.kill(nspawn, signal.SIGTERM)
    with suppress(LabError):
        wait_until(lambda: not _children(nspawn), POWER_OFF_SECONDS, f"{machine.name} to power off")
    for leader in _children(nspawn):
        os.kill(leader, signal.SIGKILL)


def _nspawn(machine: Machine) -> list[str]:
    return [
        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
        *("--directory", str(machine.root), "--machine", machine.name),
        *(f"--network-bridge={BRIDGE}", "--resolv-conf=off", "--link-journal=no", "--console=pipe"),
        # The disk is this computer's, which stays up when a machine is killed: writing it through proves nothing here.
        "--suppress-sync=yes",
    ]


def _mount(estate: Estate, machine: Machine) -> None:
    for folder in (machine.upper, machine.scratch, machine.root):
        folder.mkdir(parents=True, exist_ok=True)
    if not machine.root.is_mount():
        layers = f"lowerdir={estate.base},upperdir={machine.upper},workdir={machine.scratch}"
        run("mount", "-t", "overlay", "-o", layers, "cartwright-lab", machine.root)


def _personalise(machine: Machine) -> None:
    etc = machine.root / "etc"
    (etc / "hostname").write_text(f"{machine.name}\n", encoding="ascii")
    known = "".join(f"{address} {name}\n" for name, address in ADDRESSES.items())
    (etc / "hosts").write_text(f"127.0.0.1 localhost {machine.name}\n{known}", encoding="ascii")
    # No route beyond the bridge: nothing that a machine does can leave this computer.
    network = f"[Match]\nName=host0\n[Network]\nAddress={machine.address}/24\nLinkLocalAddressing=no\n"
    (etc / "systemd/network/10-host0.network").write_text(network, encoding="ascii")


def _enter(name: str) -> None:
    # Every nspawn makes its groups beside its own: two machines in one group would share them.
    for folder in cgroup_folders(name):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text(f"{os.getpid()}\n", encoding="ascii")


def _children(pid: int) -> list[int]:
    try:
        return [
            int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        ]
    except FileNotFoundError:
        return []


def _end_processes(name: str) -> None:
    """Kill what is left in a machine's group, and remove the group: innermost first."""
    for folder in cgroup_folders(name):
        if not folder.is_dir():
            continue
        groups = sorted([folder, *(path for path in folder.rglob("*") if path.is_dir())], reverse=True)
        for group in groups:
            with suppress(OSError):
                for word in (group / "cgroup.procs").read_text(encoding="ascii").split():
                    os.kill(int(word), signal.SIGKILL)
        for group in groups:
            with suppress(OSError):
                wait_until(lambda group=group: _removed(group), 5.0, f"{group} to be empty")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def bridge_owner() -> str:
    """The folder of the lab whose bridge stands now; empty when there is none."""
    try:
        return Path(f"/sys/class/net/{BRIDGE}/ifalias").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def bridge_up(estate: Estate) -> None:
    """Make the bridge where it is missing; refuses one that belongs to the lab of another folder."""
    if owner := bridge_owner():
        if owner != str(estate.folder):
            raise LabError(f"the bridge {BRIDGE} belongs to the lab in {owner}; take that one down first")
        return
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "alias", estate.folder)
    run("ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def bridge_down(estate: Estate) -> None:
    """Remove the bridge, if it is this lab's, and the empty groups of the machines."""
    if bridge_owner() == str(estate.folder):
        run("ip", "link", "delete", BRIDGE)
    for folder in cgroup_folders("any"):
        with suppress(OSError):
            folder.parent.rmdir()
