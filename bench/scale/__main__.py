"""`python -m bench.scale [PART ...]`: how cost grows with work, as a table, JSON and a page of plots.

catalogue  a shelf, a product, a search with 10^3 to 10^6 products: processor time of the web and of the database per page
orders     the console's questions with 10^4 to 10^6 orders: database blocks
lines      an order of 1 to 98 lines: processor time of decoding, checking, accepting it
shoppers   1 to 256 shoppers asking at once: the web server's processor time per page

Processor time and blocks (8 kB each, from memory or disk) depend little or not at all on what else the machine does, so the
curves can be compared between days. `--largest 5` ends catalogue and orders at 10^5.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.micro import accepting, decoding, processor_milliseconds
from bench.scale.catalogue import catalogue
from bench.scale.orders import orders
from bench.scale.points import MILLISECONDS, Point, told
from bench.scale.report import write
from bench.scale.shoppers import shoppers
from local.temporary import temporary_postgres

LINES = (1, 2, 5, 10, 20, 50, 98)


def lines() -> list[Point]:
    """One order over the number of its lines; the stores are in memory, so this is our own share."""
    return [
        Point("lines", what, count, processor_milliseconds(make(count)), MILLISECONDS)
        for count in LINES
        for what, make in (("decode and check", decoding), ("accept", accepting))
    ]


PARTS = ("lines", "shoppers", "catalogue", "orders")


def main() -> int:
    """Measure what is asked for, print it and write the report."""
    parser = argparse.ArgumentParser(
        "python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--largest", type=int, default=6, help="power of ten (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("reports/scale"))
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    points: list[Point] = []
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may run as another user.
        with temporary_postgres(Path(folder)) as cluster:
            measured: dict[str, Callable[[], list[Point]]] = {
                "lines": lines,
                "shoppers": lambda: shoppers(cluster),
                "catalogue": lambda: catalogue(cluster, chosen.largest),
                "orders": lambda: orders(cluster, chosen.largest),
            }
            for part in chosen.parts or PARTS:
                found = measured[part]()
                if part in {"lines", "shoppers"}:
                    for size in dict.fromkeys(point.size for point in found):
                        told([point for point in found if point.size == size])
                points += found
    print(f"report: {write(chosen.out, points)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
