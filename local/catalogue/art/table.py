"""Pictures of the table's products."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import Tone, mix, named

GLASS, OAK, CLAY, WATER = (named(n) for n in ("Glass", "Oak", "Clay", "Water"))


def stoneware_plate(glaze: Tone) -> Canvas:
    """Plates from above, one upon another."""
    art = Canvas("table", "flat")
    art.disc(400, 400, 268, 268, CLAY.base)
    art.disc(396, 396, 260, 260, glaze.base)
    art.add(
        f'<clipPath id="p"><circle cx="396" cy="396" r="260"/></clipPath><path clip-path="url(#p)" d="M470 100C560 260 560 540 420 690L700 690L700 100Z" fill="{glaze.shade}" opacity=".55"/>'
    )
    art.disc(396, 396, 188, 188, glaze.shade)
    art.disc(401, 401, 184, 184, glaze.base)
    art.disc(405, 405, 176, 176, mix(glaze.base, glaze.light, 0.35))
    art.stroke("M186 330A222 222 0 0 1 318 188", glaze.light, 15, 0.9)
    for x, y, r in (
        (470, 350, 5),
        (340, 470, 4),
        (430, 500, 6),
        (360, 350, 4),
        (500, 430, 4),
        (410, 420, 3),
        (590, 330, 5),
        (240, 500, 5),
        (450, 610, 4),
    ):
        art.disc(x, y, r, r, glaze.deep, 0.35)
    return art


def stoneware_mug(glaze: Tone) -> Canvas:
    """A mug with a breath of steam."""
    art = Canvas("table")
    art.cast(390, 642, 158)
    art.hose("M520 420C640 390 660 570 512 572", 32, glaze)
    art.turned(380, [(356, 150), (420, 156), (540, 156), (604, 146), (620, 132)], glaze)
    art.turned(380, [(610, 138), (636, 126)], CLAY, gloss=0, top=False)
    art.mouth(380, 356, 150, glaze, named("Coffee").base, 10)
    art.disc(352, 358, 66, 8, named("Coffee").light, 0.5)
    for x in (340, 412):
        art.stroke(f"M{x} 316C{x - 34} 276 {x + 34} 246 {x} 200", "#ffffff", 12, 0.75)
    return art


def serving_bowl(glaze: Tone) -> Canvas:
    """A wide bowl of lemons."""
    art = Canvas("table")
    art.cast(400, 640, 160)
    art.disc(400, 420, 262, None, glaze.deep)
    lemon = named("Mustard")
    for x, y, turn in ((300, 392, -16), (500, 390, 14), (396, 372, 4)):
        art.add(f'<g transform="rotate({turn} {x} {y})"><path d="M{x - 92} {y}C{x - 70} {y - 72} {x + 66} {y - 74} {x + 82} {y - 8}L{x + 98} {y}L{x + 82} {y + 10}C{x + 60} {y + 70} {x - 66} {y + 70} {x - 92} {y}Z" fill="#efc443"/>'
                f'<path d="M{x - 80} {y + 22}C{x - 30} {y + 40} {x + 50} {y + 30} {x + 92} {y - 2}L{x + 82} {y + 10}C{x + 60} {y + 70} {x - 56} {y + 70} {x - 80} {y + 22}Z" fill="{lemon.base}"/>'
                f'<path d="M{x - 56} {y - 26}Q{x - 30} {y - 48} {x} {y - 50}" stroke="#fff0b0" stroke-width="9" fill="none" stroke-linecap="round"/></g>')  # fmt: skip
    art.fill("M398 330C420 280 480 280 500 300C484 336 440 348 398 330Z", named("Leaf").base)
    art.stroke("M396 340C420 320 460 306 490 302", named("Leaf").deep, 5)
    art.turned(400, [(420, 262), (450, 254), (530, 206), (590, 130), (606, 108)], glaze, top=False)
    art.add(
        f'<path d="M138 420A262 39.300 0 0 0 662 420L650 418A250 32 0 0 1 150 418Z" fill="{glaze.light}"/>'
    )
    art.turned(400, [(604, 112), (638, 104)], CLAY, gloss=0, top=False)
    return art


def glass_carafe(glass: Tone = GLASS) -> Canvas:
    """A carafe of water with its cork in."""
    art = Canvas("table")
    art.cast(330, 650, 118)
    art.turned(
        330, [(250, 62), (300, 52), (350, 50), (420, 80), (520, 116), (610, 118), (648, 104)], glass, gloss=0
    )
    art.turned(330, [(430, 78), (520, 106), (606, 108), (638, 96)], WATER, gloss=0)
    art.disc(330, 430, 78, None, WATER.light)
    art.disc(330, 250, 62, None, glass.light)
    art.turned(330, [(196, 46), (196, 46), (262, 40)], OAK, gloss=0)
    art.disc(330, 196, 46, None, OAK.light)
    art.stroke("M242 480C230 530 228 580 236 616M296 290L294 340", "#ffffff", 11, 0.8)
    art.cast(606, 652, 58)
    art.turned(606, [(500, 72), (650, 58)], glass, gloss=0)
    art.turned(606, [(580, 62), (642, 54)], WATER, gloss=0)
    art.disc(606, 580, 62, None, WATER.light)
    art.mouth(606, 500, 72, glass, glass.shade, 6)
    art.stroke("M552 530L558 628", "#ffffff", 8, 0.8)
    return art


def tumbler_set(glass: Tone) -> Canvas:
    """Four faceted glasses."""
    art = Canvas("table")
    for x, y in ((350, 556), (562, 556), (238, 640), (452, 640)):
        art.cast(x, y + 4, 82)
        _tumbler(art, x, y, glass)
    return art


def _tumbler(art: Canvas, x: int, y: int, glass: Tone) -> None:
    top, bottom, height = 98, 76, 190
    art.turned(x, [(y - height, top), (y, bottom)], glass, gloss=0)
    for i, share in enumerate((-1, -0.72, -0.3, 0.22, 0.66, 1)):
        if i in (0, 5):
            continue
        art.stroke(
            f"M{x + share * top * 0.98:.0f} {y - height + 46}L{x + share * bottom:.0f} {y + 9 * (1 - share * share):.0f}",
            glass.light,
            4,
            0.9,
        )
    art.fill(
        f"M{x - 70} {y - height + 54}L{x - 58} {y + 4}L{x - 26} {y + 9}L{x - 30} {y - height + 60}Z",
        "#ffffff",
        0.45,
    )
    art.disc(x, y - height, top, None, glass.light)
    art.disc(x, y - height + 2, top - 8, (top - 8) * 0.15, glass.shade)
    art.disc(x, y - 8, bottom - 14, 8, glass.deep, 0.35)


def cutlery_set(metal: Tone) -> Canvas:
    """A fork, a knife and two spoons laid out."""
    art = Canvas("table", "flat")
    art.group("rotate(12 400 400)")
    art.rod((214, 330), (214, 700), 26, metal, "round")
    art.fill(
        "M166 110L178 110L182 230L198 230L202 110L226 110L230 230L246 230L250 110L262 110L266 250C266 310 236 330 226 360L202 360C192 330 162 310 162 250Z",
        metal.base,
    )
    art.fill("M250 110L262 110L266 250C266 310 236 330 226 360L214 360C224 320 250 300 248 240Z", metal.shade)
    art.rod((350, 420), (350, 700), 30, metal, "round")
    art.fill("M336 110C376 130 388 230 384 330L370 440L330 440L330 116Z", metal.base)
    art.fill("M336 110C376 130 388 230 384 330L370 440L354 440C370 330 366 190 336 110Z", metal.shade)
    for x, top, rx, ry, low in ((480, 200, 60, 88, 700), (606, 250, 44, 62, 640)):
        art.rod((x, top + 60), (x, low), 24, metal, "round")
        art.disc(x, top, rx, ry, metal.base)
        art.disc(x + 4, top + 4, rx - 12, ry - 14, metal.shade)
        art.stroke(
            f"M{x - rx + 20} {top + 14}C{x - rx + 18} {top - 30} {x - 22} {top - ry + 26} {x - 8} {top - ry + 24}",
            metal.light,
            9,
        )
    for x, y in ((208, 420), (342, 460), (474, 340), (600, 360)):
        art.stroke(f"M{x} {y}L{x} {y + 220}", metal.light, 6, 0.8)
    art.end()
    return art


def linen_napkins(cloth: Tone) -> Canvas:
    """Folded napkins in a pile, tied with twine."""
    art = Canvas("table")
    art.cast(410, 640, 240, 28)
    for i in range(4):
        y = 594 - i * 52
        pick = (cloth, Tone(cloth.light, mix(cloth.base, cloth.light, 0.28), cloth.shade, cloth.deep))[i % 2]
        art.fill(f"M190 {y}C174 {y + 16} 174 {y + 38} 190 {y + 50}L610 {y + 50}L610 {y}Z", pick.base)
        art.stroke(f"M194 {y + 25}L606 {y + 25}", pick.deep, 3, 0.5)
    art.fill("M190 438L270 350L690 350L610 438Z", cloth.light)
    art.fill("M610 438L690 350L690 566L610 644Z", cloth.deep)
    for i in range(1, 4):
        art.stroke(f"M612 {438 + i * 52}L690 {350 + i * 54}", cloth.shade, 4)
    art.stroke("M214 426L284 362L672 362", cloth.base, 4)
    twine = named("Natural")
    art.stroke("M372 644L372 438L452 350", twine.deep, 8, cap="butt")
    art.stroke(
        "M410 396C350 330 330 400 410 396C480 340 500 400 410 396L360 440M410 396L470 436", twine.deep, 7
    )
    art.fill("M452 388C440 330 500 290 540 286C540 340 510 380 452 388Z", named("Leaf").base)
    art.stroke("M440 394C470 350 500 320 530 300", named("Leaf").deep, 5)
    return art


def round_teapot(glaze: Tone) -> Canvas:
    """A round pot under a cane handle."""
    art = Canvas("table")
    cane = named("Natural")
    art.cast(400, 646, 180)
    art.hose("M250 400C220 130 570 130 540 400", 20, cane)
    for data in ("M256 330L276 338", "M262 296L282 306", "M534 330L514 338", "M528 296L508 306"):
        art.stroke(data, cane.deep, 5)
    art.fill("M540 560C620 550 630 470 650 420L706 404L714 424C690 480 690 600 560 620Z", glaze.shade)
    art.fill("M540 540C610 530 620 470 650 420L688 410C660 470 650 560 560 586Z", glaze.base)
    art.disc(682, 413, 33, 10, glaze.deep)
    art.turned(
        395, [(386, 90), (400, 128), (450, 186), (520, 204), (590, 180), (632, 128), (646, 110)], glaze
    )
    art.disc(395, 388, 96, None, glaze.shade)
    art.turned(395, [(340, 30), (350, 64), (378, 92)], glaze, gloss=-0.5)
    art.turned(395, [(300, 14), (306, 26), (322, 26), (338, 12)], glaze, gloss=0)
    for x in (252, 538):
        art.disc(x, 408, 20, 16, glaze.deep)
        art.disc(x - 2, 405, 17, 13, glaze.base)
    return art


DRAWINGS = {
    "stoneware-plate": stoneware_plate,
    "stoneware-mug": stoneware_mug,
    "serving-bowl": serving_bowl,
    "glass-carafe": glass_carafe,
    "tumbler-set": tumbler_set,
    "cutlery-set": cutlery_set,
    "linen-napkins": linen_napkins,
    "round-teapot": round_teapot,
}
