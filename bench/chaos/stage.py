"""The shop on which a chaos run plays: a fresh one with a home, ports, proxies, a clock and a disk of its own."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.chaos.proxy import Mode
from bench.shop import Shop, started_shop
from local.ports import any_free

WALL_CLOCK = Path(__file__).with_name("wallclock.c")
DISK_BYTES = 700_000_000
"""Enough for an hour of orders, little enough to be filled in memory."""
_CHUNK = bytes(1 << 20)


@dataclass
class Proxy:
    """A fault proxy in a process of its own."""

    process: subprocess.Popen[str]

    def set_mode(self, mode: Mode, delay_seconds: float | None = None) -> None:
        """Change what happens to connections from now on; returns when it does."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{mode}{'' if delay_seconds is None else f' {delay_seconds}'}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@dataclass
class Stage:
    """The shop and everything with which it can be hurt."""

    shop: Shop
    proxies: dict[str, Proxy]
    aws_faults: Path
    clock_file: Path | None
    """None where no C compiler is installed."""
    ballast: Path | None
    """A file on the database's own small disk; None where no disk may be mounted."""

    def processes(self, root: str) -> list[psutil.Process]:
        """A program's process and all that it forked; empty while it is being restarted."""
        try:
            first = psutil.Process(self.shop.pids()[root])
            return [first, *first.children(recursive=True)]
        except (psutil.NoSuchProcess, KeyError):
            return []

    def set_aws_faults(self, **shares: float) -> None:
        """Let calls to AWS go wrong from now on; nothing given: none."""
        fresh = self.aws_faults.with_suffix(".new")
        fresh.write_text(json.dumps(shares), "utf-8")
        fresh.replace(self.aws_faults)

    def set_clock(self, offset_seconds: int) -> None:
        """Shift the programs' wall clock; their monotonic clock goes on."""
        assert self.clock_file is not None
        # In place: the programs have mapped these eight bytes.
        with self.clock_file.open("r+b") as file:
            file.write(offset_seconds.to_bytes(8, sys.byteorder, signed=True))

    def fill_disk(self) -> int:
        """Take what is left of the database's disk; returns how many bytes that was."""
        assert self.ballast is not None
        taken = 0
        with self.ballast.open("wb", buffering=0) as file:
            try:
                # What is free changes while it is taken: the database writes at the same time.
                while True:
                    taken += file.write(_CHUNK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        return taken

    def free_disk(self) -> None:
        """Give it back."""
        assert self.ballast is not None
        self.ballast.unlink(missing_ok=True)

    def cannot(self) -> dict[str, str]:
        """Faults that are impossible here, and why."""
        missing: dict[str, str] = {}
        if self.clock_file is None:
            missing |= dict.fromkeys(("clock-forward", "clock-back"), "there is no C compiler")
        if self.ballast is None:
            missing["disk-full"] = "only root may mount a small disk"
        return missing


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """A fresh shop in `folder`, which is emptied first; everything is stopped and unmounted at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o755, parents=True)
    with ExitStack() as stack:
        home, ballast = stack.enter_context(_home(folder))
        ports = {name: any_free() for name in ("AWS", "POSTGRES", "AWS_VIA", "POSTGRES_VIA")}
        proxies = {
            name: stack.enter_context(_proxy(ports[f"{name.upper()}_VIA"], ports[name.upper()]))
            for name in ("aws", "postgres")
        }
        faults = folder / "aws-faults.json"
        faults.write_text("{}", "utf-8")
        clock_file = folder / "clock"
        clock = _clock_environment(clock_file)
        shop = stack.enter_context(
            started_shop(
                home,
                **{f"CARTWRIGHT_{name}_PORT": str(port) for name, port in ports.items()},
                **clock,
                CARTWRIGHT_AWS_FAULTS=str(faults),
                CARTWRIGHT_TRUSTED_PROXIES="1",
                CARTWRIGHT_LOG_LEVEL="WARNING",
            )
        )
        yield Stage(shop, proxies, faults, clock_file if clock else None, ballast)


@contextmanager
def _home(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """The home, and the file that can fill its disk. The small disk holds the database and no logs, mails or AWS state."""
    home = folder / "home"
    home.mkdir()
    mounted = os.geteuid() == 0 and _mount(home)
    try:
        if mounted:
            home.chmod(0o700)
            for name in ("aws", "mail", "logs"):
                (folder / name).mkdir()
                (home / name).symlink_to(folder / name)
        yield home, (home / "ballast" if mounted else None)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(home)], check=True)


def _mount(home: Path) -> bool:
    """Put a small disk in memory there; False where that is not allowed (a container without the right)."""
    options = ["-o", f"size={DISK_BYTES},mode=0700", "cartwright-chaos", str(home)]
    return subprocess.run(["mount", "-t", "tmpfs", *options], capture_output=True).returncode == 0


@contextmanager
def _proxy(port: int, target_port: int) -> Iterator[Proxy]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.chaos.proxy", str(port), str(target_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    proxy = Proxy(process)
    try:
        proxy.set_mode(Mode.PASS)
        yield proxy
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _clock_environment(clock_file: Path) -> dict[str, str]:
    """What lets the wall clock of the shop's programs follow a file; empty where there is no C compiler.

    PostgreSQL and AWS keep the true time, as other machines would.
    """
    compiler, library = shutil.which("cc"), clock_file.with_suffix(".so")
    if compiler is None:
        return {}
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(WALL_CLOCK), "-ldl"]
    if subprocess.run(command, capture_output=True).returncode:
        return {}
    clock_file.write_bytes((0).to_bytes(8, sys.byteorder))
    return {"LD_PRELOAD": str(library), "CARTWRIGHT_CHAOS_CLOCK": str(clock_file)}
