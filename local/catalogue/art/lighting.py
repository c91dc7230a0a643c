"""Pictures of the lamps, all of them lit."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import Tone, named

BRASS, STEEL, IRON, OAK, GLASS, PAPER, FLAME = (
    named(n) for n in ("Brass", "Steel", "Iron", "Oak", "Glass", "Paper", "Flame")
)
GLOW = "#ffe9ae"


def task_lamp(metal: Tone) -> Canvas:
    """A sprung lamp bent over its circle of light."""
    art = Canvas("lighting")
    art.disc(560, 650, 170, 34, GLOW, 0.9)
    art.fill("M488 340L640 300L730 652A170 34 0 0 1 392 652Z", GLOW, 0.45)
    art.cast(270, 646, 120)
    art.turned(260, [(606, 50), (620, 100), (634, 114), (646, 114)], metal)
    art.rod((260, 606), (190, 400), 16, STEEL)
    art.rod((284, 600), (214, 396), 10, STEEL)
    art.rod((196, 396), (430, 210), 16, STEEL)
    art.rod((214, 414), (446, 228), 10, STEEL)
    art.disc(200, 398, 24, 24, metal.shade)
    art.disc(197, 395, 19, 19, metal.base)
    art.disc(262, 604, 17, 17, STEEL.deep)
    art.group("rotate(-16 470 230)")
    art.disc(490, 346, 44, 32, GLOW)
    art.turned(484, [(186, 34), (216, 40), (250, 54), (300, 108), (344, 122)], metal)
    art.disc(484, 344, 122, None, "#fff4cf")
    art.disc(484, 350, 46, 16, FLAME.light)
    art.turned(484, [(160, 20), (164, 28), (190, 30)], IRON, gloss=0)
    art.end()
    art.disc(438, 216, 19, 19, metal.shade)
    art.disc(435, 213, 15, 15, metal.base)
    return art


def dome_pendant(metal: Tone) -> Canvas:
    """A dome over a table, its light on the wood."""
    art = Canvas("lighting")
    art.fill("M196 452L604 452L724 660A326 46 0 0 1 76 660Z", GLOW, 0.5)
    art.disc(400, 660, 324, 44, GLOW, 0.75)
    art.stroke("M400 0L400 170", IRON.base, 8)
    art.turned(400, [(160, 20), (168, 28), (220, 32), (240, 46)], BRASS, gloss=-0.5)
    art.disc(400, 474, 48, 44, "#fff6d8")
    art.turned(400, [(236, 46), (250, 96), (300, 168), (380, 208), (440, 222), (452, 224)], metal)
    art.disc(400, 454, 224, None, metal.light)
    art.disc(400, 456, 214, 28, "#fff1c4")
    art.disc(400, 462, 54, 18, "#ffffff")
    return art


def ceramic_table_lamp(glaze: Tone) -> Canvas:
    """A round base under a linen shade."""
    art = Canvas("lighting")
    art.disc(400, 320, 250, 220, GLOW, 0.55)
    art.cast(400, 648, 120)
    art.stroke("M500 640C600 650 620 690 760 684", IRON.base, 7)
    art.turned(400, [(386, 18), (420, 18)], BRASS, gloss=0)
    art.turned(400, [(412, 34), (430, 46), (470, 104), (530, 138), (590, 128), (634, 88), (648, 82)], glaze)
    art.stroke("M268 520A136 20 0 0 0 532 520", glaze.deep, 6, 0.4, "butt")
    for x, y in ((330, 560), (380, 590), (450, 556), (350, 500), (470, 600), (420, 480)):
        art.disc(x, y, 5, 5, glaze.deep, 0.4)
    shade = Tone("#fff8e4", "#f7e3b4", "#e6c98e", "#b99561")
    art.turned(400, [(160, 112), (160, 112), (384, 188)], shade, gloss=0)
    art.disc(400, 160, 112, None, "#fffaf0")
    art.disc(400, 162, 100, 12, "#ffeebf")
    art.stroke("M214 378A188 28 0 0 0 586 378", shade.deep, 5, 0.5, "butt")
    art.stroke("M276 210L236 350", shade.light, 12)
    return art


def tripod_floor_lamp(wood: Tone = OAK) -> Canvas:
    """A drum shade on three legs."""
    art = Canvas("lighting")
    art.disc(400, 250, 250, 190, GLOW, 0.55)
    art.disc(400, 666, 220, 20, art.ground.shadow, 0.75)
    art.rod((400, 360), (420, 650), 18, wood, "round")
    art.rod((390, 360), (240, 676), 20, wood, "round")
    art.rod((410, 360), (572, 676), 20, wood, "round")
    art.stroke("M312 528L408 500L492 528", BRASS.base, 7)
    art.turned(400, [(330, 26), (340, 34), (376, 34), (386, 26)], BRASS, gloss=-0.5)
    art.rod((400, 290), (400, 336), 14, BRASS)
    shade = Tone("#fff8e4", "#f7e3b4", "#e6c98e", "#b99561")
    art.turned(400, [(120, 150), (120, 150), (302, 164)], shade, gloss=0)
    art.disc(400, 120, 150, None, "#fffaf0")
    art.disc(400, 122, 138, 17, "#ffeebf")
    art.stroke("M238 296A164 24 0 0 0 562 296", shade.deep, 5, 0.5, "butt")
    art.stroke("M282 160L276 280", shade.light, 12)
    return art


def paper_lantern(paper: Tone = PAPER) -> Canvas:
    """A round lantern with its bamboo ribs."""
    art = Canvas("lighting", "wall")
    art.halo(400, 420, 300, GLOW)
    art.stroke("M400 0L400 190", IRON.base, 8)
    warm = Tone("#fffdf4", "#fff0cb", "#f2d59c", "#c9a263")
    art.disc(400, 420, 232, 226, warm.base)
    art.fill("M440 198C560 210 632 310 632 420C632 540 550 640 440 643C540 560 560 300 440 198Z", warm.shade)
    art.disc(360, 400, 120, 130, "#fffbea", 0.75)
    for i in range(1, 10):
        y = 194 + i * 45.2
        half = 232 * (1 - ((y - 420) / 226) ** 2) ** 0.5
        art.stroke(
            f"M{400 - half:.0f} {y:.0f}Q400 {y + half * 0.2:.0f} {400 + half:.0f} {y:.0f}",
            warm.deep,
            4,
            0.5,
            "butt",
        )
    art.box(356, 184, 88, 24, OAK.base, 8)
    art.box(416, 184, 28, 24, OAK.shade, 8)
    art.box(356, 634, 88, 20, OAK.base, 8)
    return art


def brass_candlestick(brass: Tone = BRASS) -> Canvas:
    """A candlestick, its candle lit."""
    art = Canvas("lighting")
    art.disc(400, 150, 150, 150, GLOW, 0.7)
    art.cast(400, 650, 150)
    art.turned(400, [(620, 120), (630, 150), (648, 150)], brass)
    art.turned(
        400,
        [(400, 22), (440, 20), (470, 40), (490, 42), (510, 20), (560, 24), (600, 60), (624, 116)],
        brass,
        gloss=-0.5,
    )
    art.turned(400, [(386, 92), (392, 100), (410, 40)], brass, gloss=0)
    art.disc(400, 386, 92, None, brass.light)
    art.disc(400, 388, 80, 10, brass.shade)
    art.turned(400, [(352, 38), (352, 38), (388, 36)], brass, gloss=0)
    wax = named("White")
    art.turned(400, [(190, 30), (190, 30), (356, 32)], wax, gloss=-0.5)
    art.disc(400, 190, 30, 6, "#fff7dd")
    art.stroke("M400 190L400 168", IRON.deep, 6)
    art.fill("M400 84C424 120 428 136 424 154C418 174 382 174 376 154C372 136 384 116 400 84Z", FLAME.base)
    art.fill("M400 118C412 138 412 146 410 156C406 166 394 166 390 156C388 146 392 134 400 118Z", "#fff3c4")
    return art


def storm_lantern(metal: Tone) -> Canvas:
    """A hurricane lantern, burning."""
    art = Canvas("lighting")
    art.disc(400, 410, 200, 200, GLOW, 0.7)
    art.cast(400, 650, 140)
    art.hose("M262 300C250 80 550 80 538 300", 10, STEEL)
    art.hose("M280 570C200 470 230 260 330 246", 22, metal)
    art.hose("M520 570C600 470 570 260 470 246", 22, metal)
    art.turned(400, [(560, 110), (570, 128), (600, 138), (648, 134)], metal)
    art.turned(400, [(520, 56), (530, 76), (562, 80)], metal, gloss=0)
    art.turned(400, [(300, 58), (340, 84), (410, 104), (470, 92), (522, 62)], GLASS, gloss=0)
    art.disc(400, 420, 66, 88, "#fff2c0", 0.9)
    art.fill("M400 360C436 410 440 440 432 464C422 492 378 492 368 464C360 440 374 404 400 360Z", FLAME.base)
    art.fill("M400 412C416 440 416 452 412 466C406 478 394 478 388 466C384 452 388 434 400 412Z", "#fff3c4")
    art.stroke("M322 370C312 410 316 440 326 470", "#ffffff", 10, 0.85)
    art.stroke("M300 412C340 434 460 434 500 412", STEEL.shade, 5)
    art.turned(400, [(270, 64), (290, 70), (306, 60)], metal, gloss=0)
    art.turned(400, [(206, 30), (212, 46), (236, 50), (250, 84), (268, 88)], metal, gloss=-0.5)
    art.disc(400, 206, 28, 6, metal.light)
    art.disc(476, 606, 13, 13, BRASS.base)
    return art


def filament_bulb(glass: Tone = GLASS) -> Canvas:
    """A bulb, its filament alight."""
    art = Canvas("lighting", "wall")
    art.halo(400, 460, 290, GLOW)
    art.stroke("M400 0L400 120", IRON.base, 9)
    art.turned(400, [(112, 26), (120, 44), (190, 54), (210, 54)], IRON, gloss=-0.5)
    art.turned(400, [(206, 48), (216, 52), (268, 50)], BRASS, gloss=0)
    for y in (222, 238, 254):
        art.stroke(f"M350 {y}A50 8 0 0 0 450 {y}", BRASS.deep, 5, 0.6, "butt")
    art.fill(
        "M352 268C350 330 300 350 262 400C220 460 222 560 290 616C350 664 450 664 510 616C578 560 580 460 538 400C500 350 450 330 448 268Z",
        "#fbe7b4",
    )
    art.fill(
        "M448 268C450 330 500 350 538 400C580 460 578 560 510 616C480 640 450 650 420 652C540 580 520 380 412 268Z",
        "#efd193",
    )
    art.fill("M384 268L392 420L408 420L416 268Z", glass.shade)
    art.stroke("M392 400L330 440M408 400L470 440", STEEL.shade, 5)
    art.stroke("M330 440L348 570L374 440L400 580L426 440L452 570L470 440", FLAME.base, 17, 0.5)
    art.stroke("M330 440L348 570L374 440L400 580L426 440L452 570L470 440", "#fffbe6", 8)
    art.stroke("M280 420C244 470 250 540 290 586", "#ffffff", 14, 0.85)
    return art


DRAWINGS = {
    "task-lamp": task_lamp,
    "dome-pendant": dome_pendant,
    "ceramic-table-lamp": ceramic_table_lamp,
    "tripod-floor-lamp": tripod_floor_lamp,
    "paper-lantern": paper_lantern,
    "brass-candlestick": brass_candlestick,
    "storm-lantern": storm_lantern,
    "filament-bulb": filament_bulb,
}
