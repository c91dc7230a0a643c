"""Pictures of several products together: the categories', the collections' and the home page's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from local.catalogue.art import desk, garden, home_textiles, kitchen, lighting, table, travel, workshop
from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import Ground, ground, named

CARD = (1200, 800)
HERO = (1600, 700)


class Placed(NamedTuple):
    """A picture's content, moved and made smaller: `x` is where its middle stands, `foot` where its feet do."""

    art: Canvas
    x: float
    foot: float
    scale: float


def still_life(title: str, back: Ground, size: tuple[int, int], things: Sequence[Placed]) -> str:
    """One picture of things on one table, the farther ones first."""
    width, height = size
    edge = round(height * 0.68)
    discs = (
        f'<circle cx="{width / 2:.0f}" cy="{height * 0.5:.0f}" r="{height * 0.43:.0f}" fill="{back.disc}"/>'
    )
    groups = "".join(
        f'<g transform="translate({item.x - 400 * item.scale:.0f} {item.foot - 645 * item.scale:.0f}) '
        f'scale({item.scale:g})">{item.art.body().replace(item.art.ground.shadow, back.shadow)}</g>'
        for item in things
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f'<title>{escape(title)}</title><path fill="{back.wall}" d="M0 0h{width}v{height}H0z"/>{discs}'
        f'<path fill="{back.table}" d="M0 {edge}h{width}v{height - edge}H0z"/>{groups}</svg>\n'
    )


def category(slug: str) -> Sequence[Placed]:
    """What stands in a category's picture."""
    stages: dict[str, Callable[[], Sequence[Placed]]] = {
        "workshop": lambda: (
            Placed(workshop.bench_vice(), 900, 640, 0.85),
            Placed(workshop.steel_toolbox(named("Forest")), 400, 660, 0.95),
            Placed(workshop.smoothing_plane(), 740, 740, 0.62),
        ),
        "kitchen": lambda: (
            Placed(kitchen.pepper_mill(named("Oak")), 920, 640, 0.8),
            Placed(kitchen.cast_iron_casserole(named("Rust")), 690, 690, 0.82),
            Placed(kitchen.enamel_kettle(named("Cream")), 340, 700, 0.92),
        ),
        "table": lambda: (
            Placed(table.glass_carafe(), 930, 650, 0.86),
            Placed(table.round_teapot(named("Sage")), 380, 680, 0.9),
            Placed(table.stoneware_mug(named("Clay")), 720, 730, 0.62),
        ),
        "desk": lambda: (
            Placed(desk.steel_bookends(named("Mustard")), 450, 660, 0.95),
            Placed(desk.desk_clock(named("Forest")), 870, 690, 0.66),
        ),
        "travel": lambda: (
            Placed(travel.fibre_suitcase(named("Tan")), 820, 650, 0.82),
            Placed(travel.canvas_weekender(named("Ink")), 400, 690, 0.86),
            Placed(travel.vacuum_flask(named("Rust")), 770, 750, 0.62),
        ),
        "garden": lambda: (
            Placed(garden.terracotta_pot(), 850, 660, 0.9),
            Placed(garden.watering_can(named("Zinc")), 400, 690, 0.95),
            Placed(garden.jute_twine(named("Natural")), 650, 750, 0.42),
        ),
        "home-textiles": lambda: (
            Placed(home_textiles.velvet_cushion(named("Forest")), 720, 650, 0.74),
            Placed(home_textiles.velvet_cushion(named("Mustard")), 420, 690, 0.8),
            Placed(table.linen_napkins(named("Rust")), 880, 750, 0.62),
        ),
        "lighting": lambda: (
            Placed(lighting.brass_candlestick(), 880, 650, 0.8),
            Placed(lighting.ceramic_table_lamp(named("Clay")), 400, 690, 0.95),
            Placed(lighting.storm_lantern(named("Zinc")), 690, 740, 0.62),
        ),
    }
    return stages[slug]()


def collection(slug: str) -> tuple[Ground, Sequence[Placed]]:
    """The ground and the things of a collection's picture."""
    stages: dict[str, Callable[[], tuple[Ground, Sequence[Placed]]]] = {
        "slow-breakfast": lambda: (
            ground("#f6e0b8"),
            (
                Placed(kitchen.enamel_kettle(named("Mustard")), 340, 650, 0.84),
                Placed(kitchen.pour_over_set(named("Cream")), 880, 670, 0.86),
                Placed(table.stoneware_mug(named("Ink")), 620, 740, 0.6),
            ),
        ),
        "first-flat": lambda: (
            ground("#d8e3dc"),
            (
                Placed(lighting.task_lamp(named("Rust")), 380, 660, 0.95),
                Placed(kitchen.cast_iron_casserole(named("Forest")), 870, 680, 0.7),
                Placed(table.tumbler_set(named("Clear")), 620, 750, 0.5),
            ),
        ),
        "weather-permitting": lambda: (
            ground("#c9d9e4"),
            (
                Placed(travel.roll_top_rucksack(named("Mustard")), 390, 670, 0.92),
                Placed(lighting.storm_lantern(named("Rust")), 860, 670, 0.84),
                Placed(travel.enamel_camp_mug(named("Cream")), 640, 740, 0.5),
            ),
        ),
        "small-presents": lambda: (
            ground("#f1d6cb"),
            (
                Placed(desk.steel_bookends(named("Charcoal")), 400, 650, 0.84),
                Placed(garden.jute_twine(named("Forest")), 900, 680, 0.72),
                Placed(travel.enamel_camp_mug(named("Sky")), 680, 740, 0.56),
            ),
        ),
    }
    return stages[slug]()


def hero() -> tuple[Ground, Sequence[Placed]]:
    """The home page's long table."""
    return ground("#efdfc8"), (
        Placed(lighting.ceramic_table_lamp(named("Sage")), 250, 560, 0.72),
        Placed(garden.terracotta_pot(), 1400, 575, 0.7),
        Placed(desk.steel_bookends(named("Mustard")), 1060, 550, 0.62),
        Placed(travel.canvas_weekender(named("Ink")), 545, 580, 0.72),
        Placed(kitchen.enamel_kettle(named("Rust")), 850, 620, 0.62),
        Placed(table.stoneware_mug(named("Oat")), 1080, 650, 0.4),
        Placed(kitchen.pepper_mill(named("Walnut")), 1210, 640, 0.5),
        Placed(garden.jute_twine(named("Natural")), 380, 650, 0.36),
    )
