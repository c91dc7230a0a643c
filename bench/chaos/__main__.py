"""`python -m bench.chaos`: shoppers buy while faults happen by a seeded schedule; exit code 1 when a promise was broken."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402 (gevent patches before anything else is imported)
import signal  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import psycopg  # noqa: E402

from bench.chaos import report, schedule  # noqa: E402
from bench.chaos.judge import judge  # noqa: E402
from bench.chaos.recovery import OrderTimes, recoveries  # noqa: E402
from bench.chaos.stage import Stage, open_stage  # noqa: E402
from bench.chaos.watch import BookWatcher, play  # noqa: E402
from bench.load.run import Plan, arrivals, stock_up, warm_up  # noqa: E402
from bench.load.samples import Recorder  # noqa: E402
from bench.shop import ShopUnavailable  # noqa: E402
from orders import links  # noqa: E402

PATIENCE_SECONDS = 40.0
"""A shopper presses reload for this long: every promised recovery fits in twice."""
WARM_UPS = 5
SCARCE_PIECES = 40
"""Few enough that shelves run empty during a run, so that overselling is tempting."""


def main() -> int:
    """Parse, play, judge, report."""
    parser = argparse.ArgumentParser("python -m bench.chaos", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same schedule (%(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="how long shoppers arrive (%(default)s)")
    parser.add_argument(
        "--rate", type=float, default=6.0, help="shoppers, one order each, per second (%(default)s)"
    )
    parser.add_argument(
        "--shoppers", type=int, default=48, help="in the shop at once; more are turned away (%(default)s)"
    )
    parser.add_argument(
        "--only", default="", help="comma separated names of faults; without it all take their turn"
    )
    parser.add_argument("--plan", action="store_true", help="print the schedule and do nothing")
    parser.add_argument(
        "--folder", type=Path, default=Path(".local/chaos"), help="for the shop; emptied first"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/chaos"), help="where the report goes (%(default)s)"
    )
    chosen = parser.parse_args()
    # So that a shop that was started is stopped, whatever ends the run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [name for name in chosen.only.split(",") if name]
    if unknown := set(names) - schedule.BY_NAME.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(schedule.BY_NAME)}")
    plan = schedule.draw(chosen.seed, chosen.minutes * 60, names)
    if chosen.plan:
        for planned in plan:
            say(f"{planned.at:6.1f} s  {planned.seconds:4.1f} s  {planned.name:24} {planned.fault.told}")
        return 0
    say(f"starting a shop in {chosen.folder} ...")
    try:
        with open_stage(chosen.folder.absolute()) as stage:
            run = _run(
                stage,
                plan,
                Plan(
                    chosen.rate,
                    chosen.shoppers,
                    chosen.minutes * 60,
                    1.0,
                    chosen.seed,
                    True,
                    PATIENCE_SECONDS,
                ),
            )
    except ShopUnavailable as error:
        print(error, file=sys.stderr)
        return 2
    page = report.write(chosen.out / f"{time.strftime('%Y%m%d-%H%M%S')}-seed-{chosen.seed}", run)
    for line in report.summary(run):
        say(line)
    say(f"{'passed' if run.is_passed else 'FAILED'}; report: {page}")
    return 0 if run.is_passed else 1


def _run(stage: Stage, plan: list[schedule.Planned], load: Plan) -> report.ChaosRun:
    settings = stage.shop.settings
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    paths = stock_up(stage.shop, dsn, SCARCE_PIECES)
    _warm_up(stage, load, paths, dsn)
    say(f"{len(plan)} faults in {load.seconds:.0f} s, {load.rate:g} shoppers per second")
    earlier = _placed(dsn).keys()
    recorder = Recorder()
    started, started_at = time.monotonic(), time.time()

    def clock() -> float:
        return time.monotonic() - started

    watcher = BookWatcher(dsn, clock)
    watching = gevent.spawn(watcher.run)
    faults = gevent.spawn(play, stage, plan, clock, say)
    turned_away = arrivals(stage.shop.url, load, recorder, clock, paths)
    inflicted = faults.get()
    keys = links.keys_of(settings)
    seen = {
        str(order_id): (moment, recorder.came[token])
        for token, moment in recorder.accepted.items()
        if (order_id := links.read(token, keys)) is not None
    }
    say(f"{clock():5.0f} s  {len(seen)} orders accepted; waiting for quiet")
    verdict = judge(settings, stage.shop.home / "mail", seen.keys(), earlier, say)
    gevent.sleep(1.0)
    watching.kill()
    orders = {
        order_id: OrderTimes(
            placed_at - started_at, watcher.seen.get(order_id), *seen.get(order_id, (None, None))
        )
        for order_id, placed_at in _placed(dsn).items()
        if order_id not in earlier
    }
    found = recoveries(inflicted, orders.values(), recorder.samples)
    outcomes = [report.FaultOutcome(*each) for each in zip(inflicted, found, strict=True)]
    return report.ChaosRun(
        load.seed, load.seconds, load.rate, outcomes, verdict, recorder, orders, turned_away
    )


def _warm_up(stage: Stage, load: Plan, paths: list[str], dsn: str) -> None:
    """Let shoppers in until most of them get what they came for: a shop that is still starting would be blamed on faults."""
    for _ in range(WARM_UPS):
        before = len(_placed(dsn))
        warm_up(stage.shop.url, load, paths, dsn)
        if len(_placed(dsn)) - before >= load.rate * load.warm_up_seconds / 2:
            return
        say("the shop is still slow; more shoppers to warm it up ...")
    raise ShopUnavailable("the shop sells next to nothing at this rate, before any fault: take a lower one")


def _placed(dsn: str) -> dict[str, float]:
    """Every order in the book with the moment (Unix time) at which it was taken. The order API's clock never jumps."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT id::text, extract(epoch FROM placed_at)::float8 FROM orders")
        return dict(rows.fetchall())


def say(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
