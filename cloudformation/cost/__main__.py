"""`make cost`: print what each stage costs, and write the tables of docs/stages.md anew. `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cloudformation.cost.page import PAGE, bills, refreshed, sections
from cloudformation.cost.prices import PriceList, Unpriced


def main(words: Sequence[str]) -> int:
    """Exit code 0: done. 1: something has no price, or with --check the page is not up to date."""
    parser = argparse.ArgumentParser("python -m cloudformation.cost", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether docs/stages.md is up to date")
    parser.add_argument("--lines", action="store_true", help="every position of the bills")
    given = parser.parse_args(words)
    try:
        if given.lines:
            for bill in bills().values():
                for line in (*bill.fixed, *bill.per_thousand):
                    position = f"{bill.stage:5} {line.layer:14} {line.usd:9.4f}  {line.what}"
                    print(f"{position} ({line.quantity:g} {line.price})")  # noqa: T201
        print(sections()["summary"])  # noqa: T201
        text = PAGE.read_text("utf-8")
        fresh = refreshed(text)
    except Unpriced as error:
        print(f"cost: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(PriceList().statement)  # noqa: T201
    if given.check:
        return 0 if text == fresh else 1
    PAGE.write_text(fresh, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
