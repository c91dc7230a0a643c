"""`python -m bench.load`: load a shop and write a report. Exit code 1 when an accepted order was not recorded, or an
overload was not borne."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402 (gevent patches before anything else is imported)
import shutil  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from contextlib import AbstractContextManager, nullcontext  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.load.limit import find_limit  # noqa: E402
from bench.load.overload import overload  # noqa: E402
from bench.load.report import write  # noqa: E402
from bench.load.run import Plan, measure  # noqa: E402
from bench.shop import Shop, ShopUnavailable, find_shop, started_shop  # noqa: E402

OWN_HOME = Path(".local/load")


def main() -> int:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser("python -m bench.load", description=__doc__)
    parser.add_argument(
        "--rate", type=float, default=20.0, help="shoppers that arrive per second (%(default)s)"
    )
    parser.add_argument("--shoppers", type=int, default=256, help="at most so many at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they arrive (%(default)s)")
    parser.add_argument("--buying", type=float, default=0.3, help="share of them that buys (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same shoppers (%(default)s)"
    )
    parser.add_argument(
        "--home", type=Path, help="a running shop's CARTWRIGHT_HOME; without it one is started"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/load"), help="where the report goes (%(default)s)"
    )
    parser.add_argument(
        "--straight",
        action="store_true",
        help="every shopper buys one thing on the shortest way: RATE is orders/s",
    )
    parser.add_argument(
        "--find-limit",
        type=float,
        nargs="+",
        metavar="RATE",
        help="offer these rates of orders one after the other and find the highest that is sustained",
    )
    parser.add_argument(
        "--overload",
        type=float,
        metavar="TIMES",
        help="offer RATE orders/s for SECONDS, so many times as much, and RATE again; exit code 1 unless the shop sheds,"
        " keeps what it accepted and recovers",
    )
    chosen = parser.parse_args()
    # So that a shop that was started is stopped, whatever ends the run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(
        chosen.rate, chosen.shoppers, chosen.seconds, chosen.buying, chosen.seed, is_straight=chosen.straight
    )
    is_kept = True
    try:
        with _shop(chosen.home) as shop:
            if chosen.overload:
                verdict, facts, recorder = overload(shop, plan, chosen.overload, say)
                say(str(verdict))
                is_kept = verdict.is_kept
            elif chosen.find_limit:
                straight = replace(plan, is_straight=True, buying_share=1.0)
                _, facts, recorder = find_limit(shop, straight, chosen.find_limit, say)
            else:
                facts, recorder = measure(shop, plan, say)
    except ShopUnavailable as error:
        print(error, file=sys.stderr)
        return 2
    page = write(chosen.out / time.strftime("%Y%m%d-%H%M%S"), facts, recorder)
    say(
        f"{facts.accepted} orders accepted, {facts.recorded} recorded, {facts.recorded / facts.seconds:.1f} per second"
    )
    say(f"report: {page}")
    return 0 if facts.recorded >= facts.accepted and is_kept else 1


def _shop(home: Path | None) -> AbstractContextManager[Shop]:
    if home is not None:
        return nullcontext(find_shop(home))
    say("starting a fresh shop for the measurement ...")
    shutil.rmtree(OWN_HOME, ignore_errors=True)
    # Shoppers come from many addresses here too, so that rate limits mean what they mean on the internet.
    return started_shop(OWN_HOME.absolute(), CARTWRIGHT_TRUSTED_PROXIES="1", CARTWRIGHT_LOG_LEVEL="WARNING")


def say(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
