"""Pictures of the kitchen's products."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas, line_through
from local.catalogue.art.palette import Tone, named

BEECH, BRASS, STEEL, IRON, GLASS = (named(n) for n in ("Beech", "Brass", "Steel", "Iron", "Glass"))
WALNUT, CREAM = named("Walnut"), named("Cream")


def enamel_kettle(body: Tone) -> Canvas:
    """A full-bodied kettle with a bail handle and a low spout."""
    art = Canvas("kitchen")
    art.cast(400, 645, 215)
    art.hose("M262 372C238 140 522 140 498 372", 18, IRON)
    art.rod((318, 206), (442, 206), 36, BEECH, "round")
    art.fill("M540 500C600 490 610 420 640 372L694 352L700 372C668 420 660 540 560 590Z", body.shade)
    art.fill("M540 480C596 470 606 412 640 372L672 362C640 420 632 500 556 540Z", body.base)
    art.disc(670, 362, 33, 11, body.deep)
    art.turned(380, [(360, 118), (372, 140), (440, 184), (540, 208), (620, 204), (642, 190)], body)
    art.disc(380, 362, 120, None, body.shade)
    art.turned(380, [(318, 30), (326, 70), (356, 108)], body, gloss=-0.5)
    art.turned(380, [(284, 20), (284, 20), (300, 26), (312, 14), (322, 14)], BEECH, gloss=0)
    art.disc(380, 284, 20, 5, BEECH.light)
    for x in (262, 498):
        art.disc(x, 384, 13, 17, IRON.base)
    return art


def cast_iron_casserole(body: Tone) -> Canvas:
    """A round casserole with its lid on."""
    art = Canvas("kitchen")
    art.cast(400, 640, 240)
    for side in (-1, 1):
        x = 400 + side * 240
        art.stroke(
            f"M{x - side * 26} 440C{x + side * 42} 420 {x + side * 42} 490 {x - side * 26} 474", body.deep, 26
        )
        art.stroke(
            f"M{x - side * 26} 436C{x + side * 38} 416 {x + side * 38} 486 {x - side * 26} 470",
            body.shade,
            18,
        )
    art.turned(400, [(392, 236), (430, 236), (540, 230), (612, 214), (640, 186)], body)
    art.disc(400, 398, 240, 40, body.deep)
    art.turned(400, [(286, 60), (296, 140), (330, 214), (362, 240), (362, 240), (390, 242)], body, gloss=-0.5)
    art.stroke("M160 378A241 38 0 0 0 640 378", body.deep, 4, 0.6, "butt")
    art.turned(400, [(244, 36), (244, 36), (258, 44), (272, 26), (290, 22)], BRASS, gloss=0)
    art.disc(400, 244, 36, 8, BRASS.light)
    return art


def carbon_steel_pan(body: Tone = IRON) -> Canvas:
    """A frying pan from above, with a long riveted handle."""
    art = Canvas("kitchen", "flat")
    art.group("rotate(38 400 400)")
    art.fill("M552 374L760 380C786 382 786 424 760 426L552 430Z", body.shade)
    art.fill("M552 374L760 380C776 382 780 392 778 398L552 400Z", body.base)
    art.disc(754, 403, 12, 10, "#e6cdb8")
    art.disc(338, 402, 238, 238, body.base)
    art.disc(338, 402, 238, 238, body.shade)
    art.disc(334, 397, 233, 233, body.base)
    art.disc(338, 402, 196, 196, body.deep)
    art.disc(334, 398, 186, 186, body.shade)
    art.stroke("M182 330A176 176 0 0 1 290 226", body.light, 10, 0.5)
    for x, y in ((556, 388), (556, 416), (592, 402)):
        art.disc(x, y, 8, 8, body.light)
    art.end()
    return art


def chefs_knife(blade: Tone = STEEL) -> Canvas:
    """A cook's knife lying across the picture."""
    art = Canvas("kitchen", "flat")
    art.group("rotate(-40 400 400)")
    art.fill("M300 348C480 344 640 356 768 404C640 458 470 470 306 470Z", blade.shade)
    art.fill("M300 348C480 344 640 356 768 404C640 420 470 424 302 420Z", blade.base)
    art.stroke("M330 360C480 357 600 366 690 388", blade.light, 7, 0.9)
    art.box(276, 346, 34, 80, blade.deep, 5)
    art.fill(
        "M276 348L110 344C60 342 40 362 44 392C46 424 66 446 96 436C130 424 170 424 276 424Z", WALNUT.base
    )
    art.fill(
        "M276 392L60 398C50 400 46 406 48 412C54 432 74 443 96 436C130 424 170 424 276 424Z", WALNUT.shade
    )
    for x in (124, 184, 244):
        art.disc(x, 384, 9, 9, BRASS.base)
        art.disc(x - 2, 382, 5, 5, BRASS.light)
    art.end()
    return art


def chopping_board(wood: Tone | None = None) -> Canvas:
    """An end-grain board of blocks, with half a lemon and its knife-fall on it."""
    wood = wood or named("Oak")
    art = Canvas("kitchen", "flat")
    art.group("rotate(-14 400 400)")
    art.box(130, 220, 540, 380, wood.shade, 26)
    art.box(130, 212, 540, 374, wood.base, 26)
    tints = (wood.base, wood.light, wood.shade)
    for row in range(5):
        for column in range(7):
            pick = (row * 5 + column * 3 + row * column) % 7
            if pick > 2:
                continue
            x = 174 + column * 66 - (33 if row % 2 else 0)
            left, right = max(x, 174), min(x + 66, 626)
            art.box(left, 256 + row * 58, right - left, 58, tints[pick], 3, 0.6)
    art.add(
        f'<rect x="160" y="242" width="480" height="316" rx="14" fill="none" stroke="{wood.deep}" stroke-width="9" opacity=".55"/>'
    )
    art.end()
    art.disc(470, 440, 74, 74, "#d9a21f")
    art.disc(466, 436, 66, 66, "#fbe7a1")
    art.disc(466, 436, 56, 56, "#f2c53d")
    for x, y in ((56, 0), (40, 40), (0, 56), (-40, 40)):
        art.stroke(line_through([(466 + x, 436 + y), (466 - x, 436 - y)]), "#fbe7a1", 6)
    art.fill("M288 330C330 296 372 306 384 330C360 352 320 356 288 330Z", named("Leaf").base)
    art.stroke("M270 334C310 332 350 330 384 330", named("Leaf").deep, 5)
    return art


def pour_over_set(clay: Tone) -> Canvas:
    """A dripper standing on its carafe."""
    art = Canvas("kitchen")
    art.cast(390, 645, 165)
    art.hose("M500 450C604 430 604 600 512 596", 20, GLASS)
    art.turned(390, [(424, 84), (450, 92), (520, 150), (600, 164), (644, 150)], GLASS, gloss=0)
    coffee = named("Coffee")
    art.turned(390, [(540, 152), (600, 158), (638, 146)], coffee, gloss=0)
    art.disc(390, 540, 152, None, coffee.light, 0.6)
    art.stroke("M262 520C246 560 246 600 254 622", "#ffffff", 9, 0.7)
    art.turned(390, [(408, 116), (408, 116), (424, 116)], BEECH, gloss=0)
    art.hose("M496 270C590 250 590 360 470 350", 20, clay)
    art.turned(
        390,
        [(216, 146), (240, 140), (330, 94), (386, 58), (386, 58), (398, 128), (398, 128), (410, 132)],
        clay,
    )
    art.mouth(390, 216, 146, clay, CREAM.light)
    art.disc(390, 224, 104, 13, coffee.base)
    return art


def pepper_mill(wood: Tone) -> Canvas:
    """A turned mill, and the pepper it is for."""
    art = Canvas("kitchen")
    art.cast(390, 650, 92)
    art.turned(
        390, [(330, 56), (350, 58), (400, 44), (450, 46), (540, 66), (610, 84), (610, 84), (648, 88)], wood
    )
    art.turned(390, [(300, 50), (318, 62), (318, 62), (332, 62)], wood, gloss=0)
    art.turned(390, [(200, 30), (206, 48), (240, 66), (276, 62), (300, 40), (300, 40), (314, 50)], wood)
    art.turned(390, [(160, 16), (172, 24), (188, 16), (200, 14)], BRASS, gloss=0)
    art.disc(390, 160, 15, 5, BRASS.light)
    art.stroke("M303 612A88 13 0 0 0 477 612", wood.deep, 4, 0.7, "butt")
    for x, y, r in ((540, 664, 11), (572, 684, 13), (600, 656, 10), (522, 694, 10), (632, 690, 12)):
        art.disc(x + 4, y + 6, r, r * 0.7, art.ground.shadow)
        art.disc(x, y, r, r, IRON.shade)
        art.disc(x - 3, y - 3, r * 0.4, r * 0.4, IRON.light)
    return art


def clip_top_jar(glass: Tone = GLASS) -> Canvas:
    """A preserving jar with a wire clip, full of beans."""
    art = Canvas("kitchen")
    art.cast(400, 650, 160)
    art.turned(400, [(280, 116), (296, 124), (330, 154), (400, 160), (600, 160), (646, 148)], glass, gloss=0)
    beans = named("Clay")
    art.turned(400, [(404, 148), (500, 148), (600, 148), (634, 138)], beans, gloss=0)
    art.disc(400, 404, 148, None, beans.light)
    art.add('<g fill="none" stroke-width="16" stroke-linecap="round" opacity=".6">')
    for i in range(15):
        x, y = 278 + 52 * (i % 5) + 22 * (i // 5 % 2), 456 + 54 * (i // 5)
        turn = (i * 53) % 140 - 70
        bean = f"M{x - 8} {y}Q{x} {y - 7} {x + 8} {y}"
        art.add(
            f'<path d="{bean}" transform="rotate({turn} {x} {y})" stroke="{(beans.light, beans.deep)[i % 2]}"/>'
        )
    art.end()
    art.turned(400, [(262, 124), (262, 124), (282, 124)], named("Rust"), gloss=0)
    art.turned(400, [(206, 60), (216, 104), (236, 120), (236, 120), (260, 124)], glass, gloss=-0.6)
    art.hose("M276 290C262 240 300 190 400 190C500 190 538 240 524 290", 9, STEEL)
    art.hose("M274 300C330 322 470 322 526 300", 9, STEEL)
    art.hose("M392 316C386 350 386 376 400 380C414 376 414 350 408 316", 9, STEEL)
    art.stroke("M262 380C256 440 256 520 262 590", "#ffffff", 11, 0.75)
    return art


DRAWINGS = {
    "enamel-kettle": enamel_kettle,
    "cast-iron-casserole": cast_iron_casserole,
    "carbon-steel-pan": carbon_steel_pan,
    "chefs-knife": chefs_knife,
    "chopping-board": chopping_board,
    "pour-over-set": pour_over_set,
    "pepper-mill": pepper_mill,
    "clip-top-jar": clip_top_jar,
}
