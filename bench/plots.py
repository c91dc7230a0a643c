"""Plots as SVG text: no library, no network, readable in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Series = Sequence[tuple[float, float]]
COLOURS = ("#2f6f6a", "#b5562c", "#5b4b8a", "#8a6d1f", "#3b6ea5")
WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 28, 34


def _ticks(top: float) -> list[float]:
    """About four round values from zero up to and including the first above `top`."""
    if top <= 0:
        return [0.0, 1.0]
    step = 10 ** len(str(int(top))) / 10 if top >= 1 else 0.1
    while top / step < 3:
        step /= 2
    while top / step > 6:
        step *= 2
    count = int(top / step) + 1
    return [step * index for index in range(count + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def line_plot(
    title: str,
    series: Mapping[str, Series],
    *,
    x_label: str = "seconds",
    y_label: str = "",
    spans: Sequence[tuple[float, float, str]] = (),
) -> str:
    """Lines over a common x axis; each span (from, to, what) is shaded and named when pointed at."""
    points = [point for line in series.values() for point in line]
    if not points:
        return f"<figure><figcaption>{escape(title)}: nothing was measured</figcaption></figure>"
    right = max(x for x, _ in points) or 1.0
    ticks = _ticks(max(y for _, y in points))
    top = ticks[-1]

    def place(x: float, y: float) -> str:
        return (
            f"{LEFT + x / right * (WIDTH - LEFT - RIGHT):.1f},"
            f"{HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM):.1f}"
        )

    parts = [_frame(title, ticks, top, right, x_label, y_label)]
    for begin, end, what in spans:
        x = LEFT + begin / right * (WIDTH - LEFT - RIGHT)
        width = max(2.0, (end - begin) / right * (WIDTH - LEFT - RIGHT))
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="{COLOURS[1]}"'
            f' opacity=".25"><title>{escape(what)}</title></rect>'
        )
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in line)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{path}"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT - 4}" y="{TOP + 12 + 14 * index}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        )
    return "".join([*parts, "</svg></figure>"])


def bar_plot(title: str, bars: Sequence[tuple[str, float]], *, x_label: str = "", y_label: str = "") -> str:
    """A bar for each (label, value): histograms and shares."""
    if not bars:
        return f"<figure><figcaption>{escape(title)}: nothing was measured</figcaption></figure>"
    ticks = _ticks(max(value for _, value in bars))
    top = ticks[-1]
    width = (WIDTH - LEFT - RIGHT) / len(bars)
    parts = [_frame(title, ticks, top, None, x_label, y_label)]
    for index, (label, value) in enumerate(bars):
        height = value / top * (HEIGHT - TOP - BOTTOM)
        x, y = LEFT + index * width, HEIGHT - BOTTOM - height
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(width - 2, 1):.1f}" height="{height:.1f}" fill="{COLOURS[0]}"/>'
        )
        if len(bars) <= 24:
            parts.append(
                f'<text x="{x + width / 2:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{escape(label)}</text>'
            )
    return "".join([*parts, "</svg></figure>"])


def _frame(
    title: str, ticks: Sequence[float], top: float, right: float | None, x_label: str, y_label: str
) -> str:
    parts = [
        (
            f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
            'font-family="system-ui, sans-serif" font-size="11" fill="currentColor">'
        ),
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="600">{escape(title)}</text>',
    ]
    for tick in ticks:
        y = HEIGHT - BOTTOM - tick / top * (HEIGHT - TOP - BOTTOM)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".15"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    if right is not None:
        for index in range(6):
            x = LEFT + index / 5 * (WIDTH - LEFT - RIGHT)
            parts.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{_number(right * index / 5)}</text>'
            )
    parts.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle" opacity=".7">{escape(x_label)}</text>'
    )
    parts.append(
        f'<text x="{LEFT - 6}" y="{TOP - 2}" text-anchor="end" opacity=".7">{escape(y_label)}</text>'
    )
    return "".join(parts)
