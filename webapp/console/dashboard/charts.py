"""Charts as plain geometry: pure functions from numbers to the rectangles and points that a template draws as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 180
LEFT, BOTTOM, TOP = 52, 22, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in the chart's own units."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the value axis."""

    y: float
    value: int


def nice_top(highest: int) -> int:
    """The end of the value axis: 1, 2, 2.5 or 5 times a power of ten, at or above the highest value."""
    if highest <= 4:
        return 4
    power = 10 ** (len(str(highest)) - 1)
    for factor in (1, 2, 2.5, 5, 10):
        if highest <= factor * power:
            return int(factor * power)
    return highest


def ticks(top: int) -> list[Tick]:
    """The lines of the value axis from zero to its end, at whole values."""
    steps = 5 if top % 5 == 0 else 4
    return [Tick(_y(top * step / steps, top), round(top * step / steps)) for step in range(steps + 1)]


def bars(values: Sequence[int], labels: Sequence[str], top: int) -> list[Bar]:
    """One bar per value, evenly spread."""
    slot = (WIDTH - LEFT) / max(1, len(values))
    return [
        Bar(
            round(LEFT + index * slot + slot * 0.14, 1),
            round(_y(value, top), 1),
            round(slot * 0.72, 1),
            round(HEIGHT - BOTTOM - _y(value, top), 1),
            label,
        )
        for index, (value, label) in enumerate(zip(values, labels, strict=True))
    ]


def line(values: Sequence[int], top: int) -> str:
    """The points of a polyline through the middles of the bars."""
    slot = (WIDTH - LEFT) / max(1, len(values))
    return " ".join(
        f"{LEFT + (index + 0.5) * slot:.1f},{_y(value, top):.1f}" for index, value in enumerate(values)
    )


def _y(value: float, top: int) -> float:
    return TOP + (HEIGHT - BOTTOM - TOP) * (1 - value / top)
