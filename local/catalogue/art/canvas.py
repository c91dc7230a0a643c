"""The drawing surface: flat shapes in two tones under one light from the upper left, written as compact SVG."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from html import escape

from local.catalogue.art.palette import GROUNDS, Ground, Tone

Point = tuple[float, float]
Profile = Sequence[Point]
"""A turned shape as (height on the page, radius) from top to bottom; a point written twice is a sharp corner."""

TABLE_EDGE = 560
"""Where the wall meets the table, of 800."""

TILT = 0.15
"""How flat circles lie: the pictures look down a little, at every product by the same angle."""


def number(value: float) -> str:
    """A coordinate as short as it can be written."""
    return f"{value:.1f}".removesuffix(".0")


def at(point: Point) -> str:
    """One point of path data."""
    return f"{number(point[0])} {number(point[1])}"


def line_through(points: Sequence[Point]) -> str:
    """Straight path data from the first point to the last."""
    return "M" + "L".join(at(point) for point in points)


def smooth(points: Sequence[Point]) -> str:
    """Path data (after an M) through all points: Catmull-Rom curves that break where a point is written twice."""
    runs: list[list[Point]] = [[points[0]]]
    for before, point in itertools.pairwise(points):
        if point == before:
            runs.append([point])
        else:
            runs[-1].append(point)
    return "".join(_curve(run) for run in runs)


def _curve(run: list[Point]) -> str:
    if len(run) == 2:
        return "L" + at(run[1])
    padded = [run[0], *run, run[-1]]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        first = (b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6)
        second = (c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6)
        pieces.append(f"C{at(first)} {at(second)} {at(c)}")
    return "".join(pieces)


def blob(points: Sequence[Point]) -> str:
    """A closed shape through points, smooth but for points written twice."""
    return f"M{at(points[0])}{smooth([*points, points[0]])}Z"


def arc(radius: float, end: Point, sweep: int, tilt: float = TILT) -> str:
    """Half of a lying circle, to `end`."""
    return f"A{number(radius)} {number(radius * tilt)} 0 0 {sweep} {at(end)}"


class Canvas:
    """One picture. Shapes are painted in the order in which they are called for."""

    def __init__(self, category: str, scene: str = "table") -> None:
        """`scene`: `table` (standing before a wall), `flat` (lying, seen from above) or `wall` (hanging)."""
        self.ground: Ground = GROUNDS[category]
        self.scene = scene
        self._parts: list[str] = []
        self._behind: list[str] = []

    def add(self, markup: str) -> None:
        """Paint markup as it is."""
        self._parts.append(markup)

    def group(self, transform: str) -> None:
        """Turn or move everything up to `end`."""
        self.add(f'<g transform="{transform}">')

    def end(self) -> None:
        """Close the last group."""
        self.add("</g>")

    def fill(self, data: str, colour: str, opacity: float = 1) -> None:
        """A filled path."""
        self.add(f'<path d="{data}" fill="{colour}"{_opacity(opacity)}/>')

    def stroke(self, data: str, colour: str, width: float, opacity: float = 1, cap: str = "round") -> None:
        """A drawn line."""
        self.add(
            f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{number(width)}" '
            f'stroke-linecap="{cap}" stroke-linejoin="round"{_opacity(opacity)}/>'
        )

    def disc(
        self, cx: float, cy: float, rx: float, ry: float | None, colour: str, opacity: float = 1
    ) -> None:
        """An ellipse; a lying circle when `ry` is None."""
        ry = rx * TILT if ry is None else ry
        self.add(
            f'<ellipse cx="{number(cx)}" cy="{number(cy)}" rx="{number(rx)}" ry="{number(ry)}" '
            f'fill="{colour}"{_opacity(opacity)}/>'
        )

    def box(
        self, x: float, y: float, w: float, h: float, colour: str, radius: float = 0, opacity: float = 1
    ) -> None:
        """A rectangle."""
        corner = f' rx="{number(radius)}"' if radius else ""
        self.add(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"{corner} '
            f'fill="{colour}"{_opacity(opacity)}/>'
        )

    def halo(self, cx: float, cy: float, radius: float, colour: str) -> None:
        """Light in the air around a lamp: behind everything, and without a shadow of its own."""
        self._behind.append(f'<circle cx="{cx}" cy="{cy}" r="{radius}" fill="{colour}" opacity=".6"/>')

    def cast(self, cx: float, y: float, reach: float, thick: float | None = None) -> None:
        """The shadow under a standing thing: thrown to the right, away from the light."""
        depth = thick if thick is not None else reach * TILT
        self.disc(cx + reach * 0.22, y + depth * 0.1, reach * 1.12, depth * 1.1, self.ground.shadow, 0.75)

    def turned(self, cx: float, profile: Profile, tone: Tone, part: float = 0.28, gloss: float = -0.62,
               top: bool = True) -> None:  # fmt: skip
        """A body turned about an upright axis, its right side in shadow and a gloss along its left."""
        (_y0, r0), (_y1, r1) = profile[0], profile[-1]
        right = [(cx + r, y) for y, r in profile]
        left = [(cx - r, y) for y, r in reversed(profile)]
        start = f"M{at(left[-1])}" + (arc(r0, right[0], 1) if top else f"L{at(right[0])}")
        self.fill(f"{start}{smooth(right)}{arc(r1, left[0], 1)}{smooth(left)}Z", tone.base)
        self._turned_shade(cx, profile, tone.shade, part)
        if gloss:
            self._gloss(cx, profile, tone.light, gloss)

    def _turned_shade(self, cx: float, profile: Profile, colour: str, part: float) -> None:
        (_y0, r0), (_y1, r1) = profile[0], profile[-1]
        drop = TILT * math.sqrt(1 - part * part)
        inner = [(cx + part * r, y + drop * r) for y, r in profile]
        outer = [(cx + r, y) for y, r in reversed(profile)]
        self.fill(
            f"M{at(inner[0])}{smooth(inner)}{arc(r1, outer[0], 0)}{smooth(outer)}{arc(r0, inner[0], 1)}Z",
            colour,
        )

    def _gloss(self, cx: float, profile: Profile, colour: str, gloss: float) -> None:
        """A line of light that keeps clear of both ends."""
        drop = TILT * math.sqrt(1 - gloss * gloss)
        run = [(cx + gloss * r, y + drop * r) for y, r in profile]
        points = _middle(run, 0.16, 0.62)
        width = max(r for _, r in profile) * 0.075 + 2
        self.stroke(f"M{at(points[0])}{smooth(points)}", colour, width, 0.85)

    def mouth(
        self, cx: float, y: float, r: float, tone: Tone, inside: str | None = None, lip: float = 8
    ) -> None:
        """The open top of a turned vessel: a light rim around its inner dark."""
        self.disc(cx, y, r, None, tone.light)
        self.disc(cx, y + lip * 0.25, r - lip, (r - lip) * TILT, inside or tone.deep)

    def rod(self, start: Point, end: Point, width: float, tone: Tone, cap: str = "butt") -> None:
        """A round bar in any direction, lit from the upper left."""
        (x1, y1), (x2, y2) = start, end
        length = math.hypot(x2 - x1, y2 - y1) or 1
        nx, ny = (y2 - y1) / length, -(x2 - x1) / length
        if nx + ny * 0.6 < 0:  # The shadow lies on the side that looks right and down.
            nx, ny = -nx, -ny
        self.stroke(line_through([start, end]), tone.base, width, cap=cap)
        off = width * 0.31
        shade = [(x1 + nx * off, y1 + ny * off), (x2 + nx * off, y2 + ny * off)]
        self.stroke(line_through(shade), tone.shade, width * 0.38, cap="butt")

    def hose(self, data: str, width: float, tone: Tone) -> None:
        """A bent bar: handles, wires, tubes."""
        self.stroke(data, tone.shade, width)
        self.add('<g transform="translate(-1.5 -1.5)">')
        self.stroke(data, tone.base, width * 0.68)
        self.end()

    def slab(self, x: float, y: float, w: float, h: float, tone: Tone, depth: float = 40) -> None:
        """A box with its front towards us; x, y is the front's upper left corner."""
        dx, dy = depth, -depth * 0.45
        self.fill(
            line_through([(x, y), (x + dx, y + dy), (x + w + dx, y + dy), (x + w, y)]) + "Z", tone.light
        )
        self.box(x, y, w, h, tone.base)
        side = [(x + w, y), (x + w + dx, y + dy), (x + w + dx, y + h + dy), (x + w, y + h)]
        self.fill(line_through(side) + "Z", tone.shade)

    def body(self) -> str:
        """What stands before the ground, for a picture of several things."""
        return "".join(self._parts)

    def svg(self, title: str) -> str:
        """The finished picture."""
        ground, behind = self.ground, "".join(self._behind)
        back = f'<path fill="{ground.wall}" d="M0 0h800v800H0z"/><circle cx="400" cy="390" r="310" fill="{ground.disc}"/>'
        body = self.body()
        if self.scene == "table":
            back += f'<path fill="{ground.table}" d="M0 {TABLE_EDGE}h800v240H0z"/>'
        else:
            reach = 16 if self.scene == "flat" else 12
            back = back.replace('cy="390"', 'cy="400"')
            back += (
                f'<filter id="s" x="-20%" y="-20%" width="140%" height="140%"><feDropShadow dx="{reach}" dy="{reach + 6}" '
                f'stdDeviation="0" flood-color="{ground.shadow}" flood-opacity=".8"/></filter>'
            )
            body = f'<g filter="url(#s)">{body}</g>'
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" role="img">'
            f"<title>{escape(title)}</title>{back}{behind}{body}</svg>\n"
        )


def _opacity(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{number(opacity) if opacity * 10 % 1 == 0 else opacity}"'


def _middle(points: list[Point], start: float, stop: float) -> list[Point]:
    """The stretch of a polyline between two shares of its height."""
    top, bottom = points[0][1], points[-1][1]
    low, high = top + (bottom - top) * start, top + (bottom - top) * stop
    kept = [_point_at(points, low), *[p for p in points if low < p[1] < high], _point_at(points, high)]
    return [p for i, p in enumerate(kept) if i == 0 or p != kept[i - 1]]


def _point_at(points: list[Point], y: float) -> Point:
    for a, b in itertools.pairwise(points):
        if a[1] <= y <= b[1] and a[1] != b[1]:
            share = (y - a[1]) / (b[1] - a[1])
            return (a[0] + (b[0] - a[0]) * share, y)
    return points[-1]
