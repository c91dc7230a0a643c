"""The report of a chaos run: one HTML file that opens without a network, and the same as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from bench.chaos.judge import Verdict
from bench.chaos.recovery import OrderTimes, Recovery
from bench.chaos.schedule import BY_NAME
from bench.chaos.watch import Inflicted
from bench.load.report import STYLE
from bench.load.samples import Recorder, by_step, errors_by_kind, over_time, rate_over_time
from bench.plots import line_plot


@dataclass(frozen=True, slots=True)
class FaultOutcome:
    """A fault and how the shop came out of it."""

    inflicted: Inflicted
    recovery: Recovery

    @property
    def is_late(self) -> bool:
        """Whether the shop took longer than is promised."""
        promised, taken = self.inflicted.planned.fault.recovers_within, self.recovery.recovered_after
        return not self.inflicted.skipped and (taken is None or taken > promised)


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """Everything that is known about a run."""

    seed: int
    seconds: float
    rate: float
    outcomes: Sequence[FaultOutcome]
    verdict: Verdict
    recorder: Recorder
    orders: Mapping[str, OrderTimes]
    turned_away: int
    """Shoppers who found as many in the shop as the generator plays at once."""

    @property
    def not_done(self) -> list[str]:
        """Kinds of fault that did not happen: the run was too short, or they are impossible here."""
        return sorted(
            BY_NAME.keys()
            - {each.inflicted.planned.name for each in self.outcomes if not each.inflicted.skipped}
        )

    @property
    def late(self) -> list[FaultOutcome]:
        """Faults from which the shop did not recover in time."""
        return [outcome for outcome in self.outcomes if outcome.is_late]

    @property
    def is_passed(self) -> bool:
        """No promise broken, every recovery in time, and something was sold at all."""
        return self.verdict.violations == 0 and not self.late and self.verdict.accepted > 0


def write(folder: Path, run: ChaosRun) -> Path:
    """Write report.html and report.json; returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(_data(run), indent=1), "utf-8")
    page = folder / "report.html"
    page.write_text(_page(run), "utf-8")
    return page


def summary(run: ChaosRun) -> list[str]:
    """The figures, a line each, for the terminal."""
    verdict = run.verdict
    lines = [
        (
            f"accepted {verdict.accepted}, recorded {verdict.recorded}, lost {len(verdict.lost)}, doubled {len(verdict.doubled)},"
            f" charged twice {len(verdict.charged_twice)}, oversold {len(verdict.oversold)}, told twice {len(verdict.told_twice)}"
        ),
        (
            f"violations {verdict.violations} (95 % bound with none: {verdict.bound:.2%} of orders);"
            f" {len(verdict.unseen)} orders taken whose shopper had given up, {run.turned_away} shoppers not let in"
        ),
        *(f"  ! {finding}" for finding in verdict.findings[:20]),
    ]
    for outcome in run.outcomes:
        fault = outcome.inflicted.planned.fault
        if outcome.inflicted.skipped:
            lines.append(f"  {fault.name:24} not done: {outcome.inflicted.skipped}")
            continue
        mark = f"LATE, promised {fault.recovers_within:.0f} s" if outcome.is_late else ""
        lines.append(
            f"  {fault.name:24} recovered {_seconds(outcome.recovery.recovered_after):>7}:"
            f" served {_seconds(outcome.recovery.served_after):>7}, answered {_answered(outcome.recovery):>20},"
            f" caught up {_caught_up(outcome.recovery):>20} {mark}"
        )
    if run.not_done:
        lines.append(f"not done: {', '.join(run.not_done)}")
    return lines


def _answered(recovery: Recovery) -> str:
    if not recovery.waiting_shoppers:
        return "nobody waited"
    return f"{_seconds(recovery.answered_after)} ({recovery.waiting_shoppers} waited)"


def _caught_up(recovery: Recovery) -> str:
    if not recovery.waiting:
        return "nothing waited"
    return f"{_seconds(recovery.caught_up_after)} ({recovery.waiting} waited)"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _data(run: ChaosRun) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "seconds": run.seconds,
        "rate": run.rate,
        "passed": run.is_passed,
        "verdict": asdict(run.verdict),
        "violations": run.verdict.violations,
        "bound_95": run.verdict.bound,
        "faults": [
            {
                **asdict(outcome.inflicted),
                "told": outcome.inflicted.planned.fault.told,
                **asdict(outcome.recovery),
                "recovered_after": outcome.recovery.recovered_after,
                "promised": outcome.inflicted.planned.fault.recovers_within,
                "late": outcome.is_late,
            }
            for outcome in run.outcomes
        ],
        "not_done": run.not_done,
        "turned_away": run.turned_away,
        "steps": [asdict(row) for row in by_step(run.recorder.samples)],
        "errors": errors_by_kind(run.recorder.samples),
        "retried": run.recorder.retried,
        "orders": {order_id: asdict(times) for order_id, times in run.orders.items()},
    }


def _page(run: ChaosRun) -> str:
    verdict = run.verdict
    samples = run.recorder.samples
    spans = [
        (each.inflicted.began, each.inflicted.ended, each.inflicted.planned.fault.told)
        for each in run.outcomes
        if not each.inflicted.skipped
    ]
    title = f"Chaos run, seed {run.seed}: {'passed' if run.is_passed else 'FAILED'}"
    placed = list(run.recorder.accepted.values())
    facts = {
        "accepted": verdict.accepted,
        "recorded": verdict.recorded,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "charged twice": len(verdict.charged_twice),
        "oversold": len(verdict.oversold),
        "told twice": len(verdict.told_twice),
        "violations": verdict.violations,
    }
    return "\n".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
            f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
            (
                f"<p>{run.seconds:.0f} s, {run.rate:g} shoppers arriving per second, each wants one order. With no violation in"
                f" {verdict.accepted:,} orders, at most {verdict.bound:.2%} of orders are violated (95 %, rule of three)."
                f" {len(verdict.unseen):,} orders were taken although their shopper had given up. Steps tried again: {run.recorder.retried:,}."
                f" {run.turned_away:,} shoppers were not let in because too many were there."
                f" Everything was at rest {_seconds(verdict.quiet_after)} after the last shopper.</p>"
            ),
            "<div class=facts>",
            *(f"<div>{escape(name)}<b>{value:,}</b></div>" for name, value in facts.items()),
            "</div>",
            *(f"<p><b>{escape(finding)}</b></p>" for finding in verdict.findings),
            "<h2>Faults</h2>",
            _fault_table(run.outcomes),
            f"<p>Not done: {escape(', '.join(run.not_done) or 'none, every kind was')}.</p>",
            "<h2>Over time</h2>",
            line_plot("Orders", {"accepted per second": rate_over_time(placed)}, spans=spans),
            line_plot(
                "Latency of all steps, tries included",
                {name: over_time(samples, share) for name, share in (("p50", 0.5), ("p99", 0.99))},
                y_label="ms",
                spans=spans,
            ),
            "<h2>Steps that failed for good</h2>",
            _list(errors_by_kind(samples)),
        ]
    )


def _fault_table(outcomes: Sequence[FaultOutcome]) -> str:
    rows = "".join(
        f"<tr><td>{escape(each.inflicted.planned.fault.told)}<td>{each.inflicted.began:.1f}"
        f"<td>{each.inflicted.planned.seconds:.1f}<td>{escape(each.inflicted.skipped or each.inflicted.what)}"
        f"<td>{'' if each.inflicted.skipped else _seconds(each.recovery.recovered_after)}"
        f"<td>{'' if each.inflicted.skipped else _seconds(each.recovery.served_after)}"
        f"<td>{'' if each.inflicted.skipped else _answered(each.recovery)}"
        f"<td>{'' if each.inflicted.skipped else _caught_up(each.recovery)}"
        f"<td>{each.inflicted.planned.fault.recovers_within:.0f} s<td>{'LATE' if each.is_late else ''}"
        for each in outcomes
    )
    head = "<th>fault<th>at, s<th>for, s<th>what was done<th>recovered<th>served<th>answered<th>caught up<th>promised<th>"
    return f"<table><tr>{head}</tr>{rows}</table>"


def _list(counts: dict[str, int]) -> str:
    if not counts:
        return "<p>None.</p>"
    rows = "".join(f"<tr><td>{escape(name)}<td>{count:,}" for name, count in counts.items())
    return f"<table>{rows}</table>"
