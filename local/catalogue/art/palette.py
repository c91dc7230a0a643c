"""The illustrations' colours: every named colour of the catalogue as four tones, and a ground per category."""

from __future__ import annotations

from typing import NamedTuple

SHADE_INK = "#3a2236"
"""What a colour is mixed with in shadow: a dark plum, which keeps shadows warm beside the tinted grounds."""

LIGHT_INK = "#fff6e6"
"""What a colour is mixed with in light: lamp-warm, because the light of every picture comes from one lamp."""


class Tone(NamedTuple):
    """One colour under the pictures' light."""

    light: str
    base: str
    shade: str
    deep: str


class Ground(NamedTuple):
    """What a product stands before: the wall, the disc of light on it, the table, and the shadow cast on both."""

    wall: str
    disc: str
    table: str
    shadow: str


def mix(one: str, other: str, part: float) -> str:
    """`one` with `part` (0 to 1) of `other`, both as #rrggbb."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def tone(colour: str) -> Tone:
    """The four tones of one colour."""
    return Tone(
        mix(colour, LIGHT_INK, 0.42), colour, mix(colour, SHADE_INK, 0.24), mix(colour, SHADE_INK, 0.5)
    )


def ground(wall: str) -> Ground:
    """A category's ground from the one colour of its wall."""
    return Ground(wall, mix(wall, "#ffffff", 0.5), mix(wall, "#8d6f5c", 0.2), mix(wall, "#4a3a4c", 0.36))


COLOURS = {
    "Cream": "#f0e3c8", "Oat": "#ddcba8", "White": "#f6f1e7", "Natural": "#cfa972", "Clear": "#bcd8d8",
    "Forest": "#3d6b57", "Sage": "#93ab8b", "Olive": "#767a4a",
    "Ink": "#33486a", "Indigo": "#41548e", "Slate": "#6f8291", "Sky": "#8db9cf",
    "Mustard": "#dda63a", "Rust": "#bd5a38", "Clay": "#cc8565", "Plum": "#7d4660", "Tan": "#b9804d",
    "Charcoal": "#474650", "Zinc": "#a9b3b8",
    "Oak": "#cf9f63", "Walnut": "#7f543a", "Beech": "#ddb27c", "Ash": "#e0c08d",
    "Brass": "#d3a13f", "Steel": "#b5bfc6", "Iron": "#565a66", "Leather": "#a4683f", "Terracotta": "#c9714b",
    "Glass": "#c3dedd", "Paper": "#fbf4e4", "Water": "#a5cfd8", "Flame": "#f7b733", "Coffee": "#5a3a2c",
    "Leaf": "#5f8f5a", "Copper": "#c47a4e", "Willow": "#c89a5f",
}  # fmt: skip

GROUNDS = {
    "workshop": ground("#e9dcc3"),
    "kitchen": ground("#f2d7c3"),
    "table": ground("#dbe4da"),
    "desk": ground("#dfdcea"),
    "travel": ground("#d2e3ea"),
    "garden": ground("#dbe6c8"),
    "home-textiles": ground("#f0d9d6"),
    "lighting": ground("#c7cfe0"),
}


def named(name: str) -> Tone:
    """The tones of a colour of the catalogue; raises KeyError for a name that has none."""
    return tone(COLOURS[name])
