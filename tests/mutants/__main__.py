"""`python -m tests.mutants [NAME ...]`: plant each fault in a copy of the product and show what catches it.

A NAME is any part of a mutant's name. Every mutant replaces one passage of the code. Its tests must pass in the untouched copy and fail in the mutated one.
Exit code 1 when a mutant survives, 2 when no mutant has the name or a passage is not in the code (any more).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIES = 2
LIMIT_SECONDS = 300


def copy_product(to: Path) -> Path:
    """A copy of every file that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name)
    return to


def run_tests(
    copy: Path, tests: tuple[str, ...], seconds: float = LIMIT_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, stopping at the first failure."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=seconds)


def caught_by(output: str) -> str:
    """The first failing test in pytest's summary."""
    for line in output.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            return line.split(" ", 1)[1].split(" - ")[0]
    return "?"


def judge(mutant: Mutant, copy: Path) -> tuple[bool, str]:
    """Plant a mutant, run its tests, take it out again. True when it was caught, and by what."""
    path = copy / mutant.file
    original = path.read_text("utf-8")
    path.write_text(original.replace(mutant.passage, mutant.replacement, 1), "utf-8")
    try:
        done = run_tests(copy, mutant.tests)
    except subprocess.TimeoutExpired:
        return True, f"{mutant.tests[0]} (does not end)"
    finally:
        path.write_text(original, "utf-8")
    return done.returncode == 1, caught_by(done.stdout)


def missing(chosen: list[Mutant]) -> list[Mutant]:
    """Mutants whose passage is not exactly once in its file."""
    return [mutant for mutant in chosen if (ROOT / mutant.file).read_text("utf-8").count(mutant.passage) != 1]


def main(names: list[str]) -> int:
    """Judge the named mutants, or all."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    if not chosen:
        print(f"no mutant is called {' or '.join(names)}; there are:", *(m.name for m in MUTANTS), sep="\n  ")  # noqa: T201
        return 2
    if lost := missing(chosen):
        print("not in the code exactly once: " + ", ".join(mutant.name for mutant in lost))  # noqa: T201
        return 2
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(COPIES) as pool:
        for number in range(COPIES):
            copies.put(copy_product(Path(folder) / str(number)))
        print(f"{len(chosen)} mutants; first the tests on the untouched product ...", flush=True)  # noqa: T201
        untouched = copies.get()
        tests = tuple(sorted({test for mutant in chosen for test in mutant.tests}))
        clean = run_tests(untouched, tests, LIMIT_SECONDS * len(chosen))
        copies.put(untouched)
        if clean.returncode:
            print(clean.stdout[-3000:])  # noqa: T201
            return 2

        def one(mutant: Mutant) -> bool:
            copy, started = copies.get(), time.monotonic()
            try:
                is_caught, by = judge(mutant, copy)
            finally:
                copies.put(copy)
            verdict = f"caught by {by}" if is_caught else "SURVIVED"
            print(f"{mutant.name:34} {verdict}  ({time.monotonic() - started:.0f} s)", flush=True)  # noqa: T201
            return is_caught

        results = list(pool.map(one, chosen))
    print(f"{sum(results)} of {len(results)} caught")  # noqa: T201
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
