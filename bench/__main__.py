"""`python -m bench`: every piece of the product beside a yardstick measured in the same run; one table, and JSON beside it.

micro       pure functions, the accept path without its stores, what a cold Lambda imports     (bench.micro)
storefront  pages beside a hello-world page on the same gunicorn, a thousand products           (bench.storefront)
worker      recording orders beside pgbench with the same statements, overhead of a message     (bench.worker)

docs/performance.md explains each line. Ratios are what counts: they survive another machine, milliseconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.micro import Row, all_rows
from local.postgres import create_database
from local.seed import migrate
from local.temporary import temporary_postgres

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("micro", "storefront", "worker")
PRODUCTS = "1000"


def main() -> int:
    """Measure what is asked for and print the table."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path("reports/bench.json"))
    chosen = parser.parse_args()
    parts = chosen.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    found: dict[str, Any] = {}
    if "micro" in parts:
        rows = all_rows()
        found["micro"] = [asdict(row) for row in rows]
        _print_rows(rows)
    if "storefront" in parts:
        found["storefront"] = _storefront()
    if "worker" in parts:
        found["worker"] = _worker()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1), "utf-8")
    print(f"\nwritten to {chosen.out}")
    return 0


def _print_rows(rows: list[Row]) -> None:
    print(f"{'piece':45} {'CPU ms':>9} {'ratio':>8}  beside")
    for row in rows:
        print(f"{row.name:45} {row.milliseconds:9.4f} {row.ratio:8.2f}  {row.yardstick}", flush=True)


@contextmanager
def _catalogue() -> Iterator[str]:
    """The URL of a database with a thousand products."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may run as another user.
        with temporary_postgres(Path(folder)) as cluster:
            create_database(cluster.superuser_dsn(), "small")
            url = cluster.url("small")
            migrate(url)
            _run(
                "flask",
                "--app",
                "webapp.wsgi",
                "catalog",
                "generate",
                "--products",
                PRODUCTS,
                "--stocked-skus",
                "0",
                CARTWRIGHT_DATABASE_URL=url,
            )
            yield url


def _storefront() -> Any:
    with _catalogue() as url, tempfile.NamedTemporaryFile(suffix=".json") as out:
        print(
            "\n"
            + _run("bench.storefront", "--small", url, "--seconds", "2", "--rounds", "2", "--json", out.name)
        )
        return json.loads(Path(out.name).read_text("utf-8") or "null")


def _worker() -> list[Any]:
    said = _run(
        *("bench.worker", "--without-peers", "--rounds", "1", "--jobs", "1000"),
        *("pgbench", "order_tx", "record_order"),
    )
    print("\n" + said)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def _run(module: str, *words: str, **environment: str) -> str:
    """Run a module of this repository and return what it prints. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
