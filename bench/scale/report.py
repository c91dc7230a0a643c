"""The report of the curves: a page of plots with a table, and the points as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import log10
from pathlib import Path

from bench.load.report import STYLE
from bench.plots import line_plot
from bench.scale.points import Point


def write(folder: Path, points: Sequence[Point]) -> Path:
    """points.json and report.html; returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "points.json").write_text(json.dumps([asdict(point) for point in points], indent=1), "utf-8")
    plots = []
    for part, unit in dict.fromkeys((point.part, point.unit) for point in points):
        chosen = [point for point in points if (point.part, point.unit) == (part, unit)]
        is_wide = max(point.size for point in chosen) >= 1000
        x: Callable[[float], float] = log10 if is_wide else float
        series = {
            what: [(x(point.size), point.cost) for point in chosen if point.what == what]
            for what in dict.fromkeys(point.what for point in chosen)
        }
        plots.append(
            line_plot(
                part.capitalize(), series, x_label=f"{part}, power of ten" if is_wide else part, y_label=unit
            )
        )
    page = folder / "report.html"
    title = "How cost grows with work"
    rows = "".join(
        f"<tr><td>{point.part}<td>{point.what}<td>{point.size:,}<td>{point.cost:,.2f} {point.unit}"
        for point in points
    )
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{''.join(plots)}"
        f"<table><tr><th>part<th>what<th>how many<th>cost</tr>{rows}</table>",
        "utf-8",
    )
    return page
