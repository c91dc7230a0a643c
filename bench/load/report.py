"""The report of a load run: one HTML file that opens without a network, and the same as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from bench.load.samples import (
    Figures,
    Recorder,
    Sample,
    by_step,
    errors_by_kind,
    over_time,
    percentile,
    rate_over_time,
)
from bench.plots import bar_plot, line_plot

STYLE = """
:root{color-scheme:light dark;--edge:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid var(--edge)}
th:first-child,td:first-child{text-align:left}figure{margin:1rem 0}svg{width:100%;height:auto}
.facts{display:flex;flex-wrap:wrap;gap:1.5rem}.facts div{min-width:8rem}.facts b{display:block;font-size:1.5rem}
"""


@dataclass(slots=True)
class RunFacts:
    """What is known about a run beside its samples."""

    title: str
    seconds: float
    rate: float
    shoppers: int
    accepted: int = 0
    recorded: int = 0
    to_confirmed: list[float] = field(default_factory=list)
    """Seconds from the click on "place order" to the confirmation in the book, one per order."""
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    queue_depth: list[tuple[float, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write(folder: Path, facts: RunFacts, recorder: Recorder) -> Path:
    """Write report.html and report.json; returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    table = by_step(recorder.samples)
    (folder / "report.json").write_text(json.dumps(_data(facts, table, recorder.samples), indent=1), "utf-8")
    page = folder / "report.html"
    page.write_text(_page(facts, table, recorder), "utf-8")
    return page


def _data(facts: RunFacts, table: list[Figures], samples: list[Sample]) -> dict[str, Any]:
    waits = sorted(facts.to_confirmed)
    return {
        "title": facts.title,
        "seconds": facts.seconds,
        "rate": facts.rate,
        "shoppers": facts.shoppers,
        "accepted": facts.accepted,
        "recorded": facts.recorded,
        "accepted_per_second": facts.accepted / facts.seconds,
        "recorded_per_second": facts.recorded / facts.seconds,
        "click_to_confirmed_ms": {name: percentile(waits, share) * 1000 for name, share in _SHARES.items()},
        "steps": [asdict(row) for row in table],
        "errors": errors_by_kind(samples),
        "cpu_ms_per_order": _cpu_per_order(facts),
        "notes": facts.notes,
    }


_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def _cpu_per_order(facts: RunFacts) -> dict[str, float]:
    return {name: used * 1000 / max(facts.recorded, 1) for name, used in facts.cpu_seconds.items()}


def _page(facts: RunFacts, table: list[Figures], recorder: Recorder) -> str:
    waits = sorted(facts.to_confirmed)
    samples = recorder.samples
    parts = [
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<title>{escape(facts.title)}</title><style>{STYLE}</style><h1>{escape(facts.title)}</h1>"
        ),
        f"<p>{facts.seconds:.0f} s, {facts.rate:g} shoppers arriving per second, at most {facts.shoppers} at once.</p>",
        "<div class=facts>",
        _fact("orders accepted", f"{facts.accepted:,}", f"{facts.accepted / facts.seconds:.1f} per second"),
        _fact("orders recorded", f"{facts.recorded:,}", f"{facts.recorded / facts.seconds:.1f} per second"),
        _fact(
            "click to confirmed, p50",
            f"{percentile(waits, 0.5) * 1000:,.0f} ms",
            f"p99 {percentile(waits, 0.99) * 1000:,.0f} ms",
        ),
        _fact("failed steps", f"{sum(row.errors for row in table):,}", f"of {len(samples):,}"),
        "</div>",
        "<h2>Steps</h2>",
        _steps(table),
        "<h2>Errors</h2>",
        _pairs(errors_by_kind(samples)) or "<p>None.</p>",
        "<h2>Over time</h2>",
        line_plot(
            "Latency of all steps",
            {name: over_time(samples, share) for name, share in _SHARES.items()},
            y_label="ms",
        ),
        line_plot(
            "Orders",
            {
                "accepted per second": rate_over_time(
                    [s.due for s in samples if s.step == "place" and not s.error]
                )
            },
        ),
        line_plot("Messages waiting in the orders queue", {"messages": facts.queue_depth}),
        bar_plot("Click to confirmed", _histogram(waits), x_label="up to, ms", y_label="orders"),
        "<h2>What an order costs</h2>",
        _pairs({name: f"{value:.1f} ms of CPU" for name, value in _cpu_per_order(facts).items()}),
        line_plot("Memory (proportional set size)", facts.memory, y_label="MB"),
    ]
    parts += [f"<p>{escape(note)}</p>" for note in facts.notes]
    return "\n".join(parts)


def _fact(name: str, value: str, detail: str) -> str:
    return f"<div>{escape(name)}<b>{escape(value)}</b>{escape(detail)}</div>"


def _steps(table: list[Figures]) -> str:
    rows = "".join(
        f"<tr><td>{escape(row.step)}<td>{row.count:,}<td>{row.errors:,}<td>{row.p50:,.0f}<td>{row.p95:,.0f}<td>{row.p99:,.0f}<td>{row.worst:,.0f}"
        for row in table
    )
    return f"<table><tr><th>step<th>count<th>errors<th>p50 ms<th>p95<th>p99<th>worst</tr>{rows}</table>"


def _pairs(pairs: dict[str, Any]) -> str:
    if not pairs:
        return ""
    return (
        "<table>"
        + "".join(f"<tr><td>{escape(name)}<td>{escape(str(value))}" for name, value in pairs.items())
        + "</table>"
    )


def _histogram(waits: list[float]) -> list[tuple[str, float]]:
    edges = [50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000]
    counts = dict.fromkeys(edges, 0)
    beyond = 0
    for wait in waits:
        edge = next((edge for edge in edges if wait * 1000 <= edge), None)
        if edge is None:
            beyond += 1
        else:
            counts[edge] += 1
    return [(f"{edge:,}", float(count)) for edge, count in counts.items()] + [("more", float(beyond))]
