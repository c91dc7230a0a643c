"""Made-up goods for load tests: product number N is the same product on every machine and in every run.

Names, makers and tags are drawn from enough words that a search finds tens of products and not all of them, and
popularity falls off as it does in a real shop.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
CURRENCY = "EUR"

SHELVES = {
    "workshop": ("hammers", "planes", "saws", "chisels", "tool-boxes"),
    "kitchen": ("kettles", "pots", "pans", "knives", "jars"),
    "table": ("plates", "mugs", "bowls", "glasses", "cutlery"),
    "desk": ("pens", "notebooks", "trays", "scissors", "clocks"),
    "travel": ("bags", "rucksacks", "flasks", "umbrellas", "cases"),
    "garden": ("watering-cans", "trowels", "pots-and-planters", "forks", "baskets"),
    "home-textiles": ("blankets", "bedding", "cushions", "towels", "rugs"),
    "lighting": ("desk-lamps", "pendants", "table-lamps", "lanterns", "bulbs"),
}
"""Departments and their shelves, below one root; the goods are spread over the forty shelves."""

NOUNS = {
    "hammers": ("Hammer", "claw-hammer"), "planes": ("Plane", "smoothing-plane"), "saws": ("Saw", "dovetail-saw"),
    "chisels": ("Chisel", "bevel-edge-chisels"), "tool-boxes": ("Toolbox", "steel-toolbox"),
    "kettles": ("Kettle", "enamel-kettle"), "pots": ("Casserole", "cast-iron-casserole"),
    "pans": ("Skillet", "carbon-steel-pan"), "knives": ("Knife", "chefs-knife"), "jars": ("Jar", "clip-top-jar"),
    "plates": ("Plate", "stoneware-plate"), "mugs": ("Mug", "stoneware-mug"), "bowls": ("Bowl", "serving-bowl"),
    "glasses": ("Tumbler", "tumbler-set"), "cutlery": ("Cutlery", "cutlery-set"), "pens": ("Pen", "fountain-pen"),
    "notebooks": ("Notebook", "bound-notebook"), "trays": ("Tray", "desk-tray"),
    "scissors": ("Scissors", "paper-scissors"), "clocks": ("Clock", "desk-clock"),
    "bags": ("Holdall", "canvas-weekender"), "rucksacks": ("Rucksack", "roll-top-rucksack"),
    "flasks": ("Flask", "vacuum-flask"), "umbrellas": ("Umbrella", "walking-umbrella"),
    "cases": ("Suitcase", "fibre-suitcase"), "watering-cans": ("Watering Can", "watering-can"),
    "trowels": ("Trowel", "hand-trowel"), "pots-and-planters": ("Planter", "terracotta-pot"),
    "forks": ("Garden Fork", "digging-fork"), "baskets": ("Basket", "garden-trug"),
    "blankets": ("Blanket", "wool-blanket"), "bedding": ("Duvet", "linen-duvet-set"),
    "cushions": ("Cushion", "velvet-cushion"), "towels": ("Towel", "bath-towel"), "rugs": ("Rug", "flatwoven-rug"),
    "desk-lamps": ("Desk Lamp", "task-lamp"), "pendants": ("Pendant", "dome-pendant"),
    "table-lamps": ("Table Lamp", "ceramic-table-lamp"), "lanterns": ("Lantern", "storm-lantern"),
    "bulbs": ("Bulb", "filament-bulb"),
}  # fmt: skip
"""Each shelf's noun and the picture it borrows from the demo shop."""

QUALITIES = (
    "Balanced", "Brushed", "Classic", "Compact", "Country", "Daily", "Deep", "Double", "Everyday", "Faceted",
    "Fine", "Flat", "Folding", "Forged", "Grand", "Heavy", "Hinged", "Large", "Light", "Little", "Long", "Narrow",
    "Northern", "Plain", "Polished", "Quiet", "Ribbed", "Round", "Rustic", "Short", "Slim", "Small", "Smooth",
    "Spare", "Square", "Stacking", "Sturdy", "Tall", "Turned", "Wide",
)  # fmt: skip
MATERIALS = (
    "Ash", "Bamboo", "Beech", "Brass", "Canvas", "Cast Iron", "Ceramic", "Cherry", "Copper", "Cork", "Cotton",
    "Enamel", "Felt", "Glass", "Jute", "Larch", "Leather", "Linen", "Maple", "Oak", "Paper", "Porcelain", "Steel",
    "Stoneware", "Terracotta", "Velvet", "Walnut", "Wicker", "Wool", "Zinc",
)  # fmt: skip
COLOURS = (
    "Cream",
    "Forest",
    "Ink",
    "Mustard",
    "Rust",
    "Sage",
    "Slate",
    "Clay",
    "Oat",
    "Plum",
    "Charcoal",
    "Sky",
)
SIZES = ("Small", "Medium", "Large")
COUNTRIES = ("Denmark", "England", "Germany", "Italy", "Lithuania", "Portugal", "Scotland", "Sweden", "Wales")
SYLLABLES = (
    "al", "ben", "cor", "dal", "el", "fen", "gar", "hol", "in", "kel", "lor", "mar", "nor", "ost", "pel", "quin",
    "ros", "sten", "tor", "ul", "ven", "wes", "yar", "zel",
)  # fmt: skip
USES = ("a small flat", "a big family", "a cold morning", "the long table", "the back shed", "a first home")
MAKERS = 300


@dataclass(frozen=True, slots=True)
class GeneratedVariant:
    """A generated variant, ready for COPY."""

    sku: str
    options: dict[str, str]
    price_minor: int
    weight_grams: int


@dataclass(slots=True)
class GeneratedProduct:
    """A generated product; it can be tallied as a model row can. The generator sets the category's id."""

    number: int
    slug: str
    name: str
    shelf: str
    description: str
    image: str
    maker: str
    tags: list[str]
    attributes: dict[str, list[str]]
    specifications: dict[str, str]
    popularity: int
    created_at: datetime
    variants: list[GeneratedVariant]
    category_id: int = 0
    is_active: bool = True


def _coined(number: int, syllables: int) -> str:
    """A pronounceable word that belongs to a number."""
    parts = []
    for _ in range(syllables):
        number, digit = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[digit])
    return "".join(parts).capitalize()


def product(number: int, seed: int) -> GeneratedProduct:
    """Product `number` (from 0) of the made-up catalogue of `seed`."""
    chance = random.Random(seed * 10_000_019 + number)  # noqa: S311  (goods, not secrets)
    # The square prefers the first shelves, as shoppers prefer some shelves.
    shelf = tuple(NOUNS)[int(chance.random() ** 1.5 * len(NOUNS))]
    noun, picture = NOUNS[shelf]
    quality, material = chance.choice(QUALITIES), chance.choice(MATERIALS)
    series = _coined(chance.randrange(24**3), 3)
    maker = f"{_coined(chance.randrange(MAKERS) + 24, 2)} Works"
    name = f"{series} {quality} {material} {noun}"
    country = chance.choice(COUNTRIES)
    variants = _variants(chance, number)
    attributes = {"Material": [material], "Made in": [country], "Maker": [maker]}
    colours = list(dict.fromkeys(v.options["Colour"] for v in variants if "Colour" in v.options))
    if colours:
        attributes["Colour"] = colours
    return GeneratedProduct(
        number=number,
        slug=f"{name.lower().replace(' ', '-')}-{number}",
        name=name,
        shelf=shelf,
        description=(
            f"A {quality.lower()} {noun.lower()} in {material.lower()} for {chance.choice(USES)}, "
            f"made by {maker} in {country}. Part of the {series} series."
        ),
        image=f"catalogue/{picture}.svg",
        maker=maker,
        tags=[noun.lower(), series.lower()],
        attributes=attributes,
        specifications={"Series": series},
        popularity=int(1_000 * chance.paretovariate(1.2)) - 1_000,
        created_at=FIRST_DAY + timedelta(minutes=chance.randrange(1_440 * 900)),
        variants=variants,
    )


def _variants(chance: random.Random, number: int) -> list[GeneratedVariant]:
    price = round(chance.lognormvariate(8.2, 0.7) / 50 + 2) * 50  # Around 36 euros, in steps of 50 cents.
    weight = chance.randrange(50, 5_000, 10)
    colours = chance.sample(COLOURS, chance.choice((0, 0, 1, 2, 3)))
    sizes = SIZES[: chance.choice((0, 0, 0, 2, 3))]
    options = [
        {**({"Colour": colour} if colour else {}), **({"Size": size} if size else {})}
        for colour in colours or [""]
        for size in sizes or [""]
    ]
    return [
        GeneratedVariant(
            f"GEN-{number:07d}-{place + 1}",
            option,
            price + 500 * (SIZES.index(option["Size"]) if "Size" in option else 0),
            weight,
        )
        for place, option in enumerate(options)
    ]
