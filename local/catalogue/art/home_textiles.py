"""Pictures of the home's textiles."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import Tone, mix, named

BRASS, OAK, BEECH, LEATHER, CREAM, WALNUT = (
    named(n) for n in ("Brass", "Oak", "Beech", "Leather", "Cream", "Walnut")
)


def wool_blanket(wool: Tone) -> Canvas:
    """A blanket over the arm of a chair rail, its fringe hanging."""
    art = Canvas("home-textiles", "wall")
    art.rod((110, 190), (690, 190), 26, WALNUT, "round")
    art.fill(
        "M230 168L570 168C580 168 584 180 584 200L584 640L216 640L216 200C216 180 220 168 230 168Z", wool.base
    )
    art.fill("M470 168L570 168C580 168 584 180 584 200L584 640L486 640C500 480 500 320 470 168Z", wool.shade)
    for y in (270, 300, 330, 520, 550, 580):
        art.stroke(f"M216 {y}L584 {y}", (CREAM.light, wool.deep)[y in (300, 550)], 12, 0.75, "butt")
    art.stroke("M300 186C290 320 296 480 300 630M392 186C400 330 388 480 394 630", wool.deep, 4, 0.35)
    art.stroke("M240 190L240 250M240 360L240 490", wool.light, 9, 0.8)
    fringe = "".join(f"M{x} 640L{x + (x % 3 - 1) * 3} 684" for x in range(222, 584, 15))
    art.stroke(fringe, wool.shade, 7)
    return art


def linen_duvet_set(linen: Tone) -> Canvas:
    """A made bed."""
    art = Canvas("home-textiles")
    art.cast(410, 664, 320, 24)
    art.box(120, 270, 560, 260, OAK.base, 18)
    art.box(560, 270, 120, 260, OAK.shade, 18)
    art.stroke("M146 290L540 290", OAK.light, 7)
    for x in (130, 640):
        art.box(x, 600, 30, 66, OAK.deep, 4)
    for x, pillow in ((158, linen), (412, linen)):
        art.fill(
            f"M{x} 396C{x - 8} 350 {x + 20} 340 {x + 60} 346C{x + 110} 338 {x + 160} 338 {x + 200} 348C{x + 240} 346 {x + 236} 380 {x + 230} 430L{x + 4} 440Z",
            pillow.base,
        )
        art.fill(
            f"M{x + 150} 342C{x + 180} 342 {x + 190} 346 {x + 200} 348C{x + 240} 346 {x + 236} 380 {x + 230} 430L{x + 160} 436C{x + 180} 400 {x + 176} 370 {x + 150} 342Z",
            pillow.shade,
        )
        art.stroke(f"M{x + 24} 372C{x + 60} 362 {x + 90} 362 {x + 120} 364", pillow.deep, 4, 0.3)
    art.fill(
        "M104 440C200 410 600 410 696 440L720 620C722 644 700 650 690 630C660 654 620 640 590 652C540 640 500 662 450 648C400 664 350 640 300 654C250 640 200 660 160 644C130 656 78 650 80 620Z",
        mix(linen.base, "#ffffff", 0.12),
    )
    art.fill(
        "M560 420C620 424 670 430 696 440L720 620C722 644 700 650 690 630C660 654 620 640 590 652C580 648 570 648 560 648C610 580 610 500 560 420Z",
        linen.shade,
    )
    art.fill("M104 440C200 410 600 410 696 440L702 486C600 460 200 460 98 486Z", linen.light)
    art.stroke("M98 486C200 460 600 460 702 486", linen.deep, 4, 0.4)
    art.stroke(
        "M200 500C190 550 196 590 190 640M340 490C350 550 336 600 346 640M480 490C470 550 486 600 476 640",
        linen.deep,
        5,
        0.28,
    )
    for x in (180, 290, 400, 510, 620):
        art.disc(x, 456 + abs(x - 400) * 0.02, 6, 5, WALNUT.base)
    return art


def velvet_cushion(velvet: Tone) -> Canvas:
    """A plump cushion, piped at the edge."""
    art = Canvas("home-textiles")
    art.cast(400, 650, 230, 30)
    shape = "M150 250C140 214 170 196 204 208C330 238 470 238 596 208C630 196 660 214 650 250C624 360 624 490 652 610C660 646 632 664 598 652C470 624 330 624 202 652C168 664 140 646 148 610C176 490 176 360 150 250Z"
    art.fill(shape, velvet.base)
    art.fill(
        "M540 220C562 216 580 212 596 208C630 196 660 214 650 250C624 360 624 490 652 610C660 646 632 664 598 652C572 646 546 642 520 638C590 500 600 340 540 220Z",
        velvet.shade,
    )
    art.stroke(shape, velvet.deep, 9)
    art.fill("M220 280C200 400 210 500 216 580C260 500 250 360 220 280Z", velvet.light, 0.6)
    art.fill("M280 260C380 290 470 290 520 272C460 320 340 320 280 260Z", velvet.light, 0.45)
    art.stroke(
        "M398 420C380 400 360 392 330 388M398 440C372 450 350 466 336 486M410 420C430 396 452 388 480 384M410 442C436 452 456 470 470 492",
        velvet.deep,
        6,
        0.5,
    )
    art.disc(404, 430, 17, 15, velvet.deep)
    art.disc(401, 427, 13, 11, velvet.base)
    return art


def bath_towel(cotton: Tone) -> Canvas:
    """A towel on a brass rail."""
    art = Canvas("home-textiles", "wall")
    for x in (150, 650):
        art.disc(x, 180, 28, 28, BRASS.deep)
        art.disc(x - 3, 177, 24, 24, BRASS.base)
    art.rod((140, 180), (660, 180), 20, BRASS, "round")
    art.box(262, 166, 296, 400, cotton.deep, 12)
    art.box(240, 160, 290, 500, cotton.base, 14)
    art.fill(
        "M440 160L516 160C524 160 530 166 530 174L530 646C530 654 524 660 516 660L448 660C462 480 462 300 440 160Z",
        cotton.shade,
    )
    ribs = "".join(f"M{x} 176L{x} 540" for x in range(262, 520, 22))
    art.stroke(ribs, cotton.deep, 3, 0.28)
    art.box(240, 548, 290, 22, cotton.deep, 0, 0.35)
    art.box(240, 586, 290, 12, cotton.deep, 0, 0.35)
    art.stroke("M256 190L256 500", cotton.light, 9)
    art.stroke("M376 660C376 690 396 690 396 660", cotton.shade, 8)
    return art


def flatwoven_rug(wool: Tone | None = None) -> Canvas:
    """A rug from above."""
    wool = wool or named("Cream")
    rust, ink = named("Rust"), named("Ink")
    art = Canvas("home-textiles", "flat")
    art.group("rotate(-8 400 400)")
    fringe = "".join(f"M{x} 108L{x} 692" for x in range(206, 600, 14))
    art.stroke(fringe, wool.shade, 6)
    art.box(196, 132, 408, 536, wool.base)
    for y in (132, 608):
        art.box(196, y, 408, 60, rust.base)
        zigzag = f"M196 {y + 46}" + "".join(
            f"L{x} {y + (14 if i % 2 == 0 else 46)}" for i, x in enumerate(range(222, 606, 26))
        )
        art.stroke(zigzag, wool.light, 8, cap="butt")
    for y in (216, 574):
        art.box(196, y, 408, 12, ink.base)
    for y in (300, 400, 500):
        for x in (284, 400, 516):
            pick = rust if (x + y) % 200 else ink
            art.fill(f"M{x} {y - 42}L{x + 42} {y}L{x} {y + 42}L{x - 42} {y}Z", pick.base)
            art.fill(f"M{x} {y - 22}L{x + 22} {y}L{x} {y + 22}L{x - 22} {y}Z", wool.light)
    art.stroke("M214 340L214 470", wool.light, 8)
    art.end()
    return art


def linen_curtain(linen: Tone) -> Canvas:
    """A curtain drawn half across a window."""
    art = Canvas("home-textiles", "wall")
    art.box(190, 180, 420, 500, CREAM.light)
    art.box(214, 204, 372, 452, named("Sky").light)
    art.disc(500, 320, 46, 46, "#fff3cf")
    art.fill("M214 560C280 500 360 540 420 520C480 500 540 520 586 500L586 656L214 656Z", named("Sage").base)
    art.stroke("M400 204L400 656M214 430L586 430", CREAM.light, 16, cap="butt")
    art.rod((100, 150), (700, 150), 20, BRASS, "round")
    for x in (96, 704):
        art.disc(x, 150, 21, 21, BRASS.base)
    folds = [(130, 60), (190, 60), (250, 64), (314, 62)]
    for i, (x, width) in enumerate(folds):
        art.fill(
            f"M{x} 158L{x + width} 158C{x + width - 8} 340 {x + width + 10 + i * 4} 540 {x + width + i * 8} 716L{x - 6 + i * 8} 716C{x + 6 + i * 4} 540 {x - 6} 340 {x} 158Z",
            linen.base,
        )
        art.fill(
            f"M{x + width * 0.6:.0f} 158L{x + width} 158C{x + width - 8} 340 {x + width + 10 + i * 4} 540 {x + width + i * 8} 716L{x + width * 0.6 + i * 8:.0f} 716C{x + width * 0.7 + i * 4:.0f} 540 {x + width * 0.5:.0f} 340 {x + width * 0.6:.0f} 158Z",
            linen.shade,
        )
        art.stroke(
            f"M{x + 16} 200C{x + 16} 340 {x + 16 + i * 4} 500 {x + 14 + i * 8} 660", linen.light, 7, 0.8
        )
        art.stroke(f"M{x + width / 2:.0f} 134A16 16 0 1 1 {x + width / 2 - 1:.0f} 134", BRASS.deep, 6)
    return art


def tea_towels(stripe: Tone) -> Canvas:
    """Three towels on three pegs."""
    art = Canvas("home-textiles", "wall")
    cloth = named("White")
    art.box(110, 150, 580, 46, BEECH.base, 10)
    art.box(110, 180, 580, 16, BEECH.shade, 10)
    for i, x in enumerate((210, 400, 590)):
        art.rod((x, 170), (x, 208), 18, OAK, "round")
        low = (640, 680, 620)[i]
        art.fill(
            f"M{x - 14} 206L{x + 14} 206C{x + 40} 290 {x + 80} 330 {x + 84} {low}L{x + 30} {low + 14}L{x - 20} {low - 4}L{x - 84} {low + 10}C{x - 80} 330 {x - 40} 290 {x - 14} 206Z",
            cloth.base,
        )
        art.fill(
            f"M{x} 206L{x + 14} 206C{x + 40} 290 {x + 80} 330 {x + 84} {low}L{x + 30} {low + 14}C{x + 40} 480 {x + 30} 330 {x} 206Z",
            cloth.shade,
        )
        for step in (70, 104):
            y = low - step
            art.stroke(
                f"M{x - 82} {y + 10}L{x - 20} {y - 4}L{x + 30} {y + 14}L{x + 82} {y}",
                stripe.base,
                15,
                cap="butt",
            )
        if i == 1:
            art.stroke(f"M{x - 60} 380L{x - 16} 372L{x + 24} 386L{x + 62} 378", stripe.base, 8, cap="butt")
        art.stroke(f"M{x - 8} 230C{x - 20} 340 {x - 24} 480 {x - 20} {low - 20}", cloth.deep, 4, 0.35)
    return art


def felt_slippers(felt: Tone) -> Canvas:
    """A pair of slippers from above."""
    art = Canvas("home-textiles", "flat")
    inner = named("Oat")
    for x, turn, flip in ((288, -9, 1), (512, 9, -1)):
        art.add(f'<g transform="translate({x} 400) rotate({turn}) scale({flip} 1)">')
        sole = "M-18 -262C60 -270 112 -190 106 -60C102 40 92 100 90 170C84 280 -70 280 -78 170C-82 90 -104 0 -106 -80C-106 -190 -70 -256 -18 -262Z"
        art.fill(sole, LEATHER.shade)
        art.add('<g transform="translate(0 -8)">')
        art.fill(sole, felt.base)
        art.fill(
            "M-62 60C-60 120 -60 150 -58 176C-50 240 60 240 68 176C70 130 72 90 76 50C30 90 -20 94 -62 60Z",
            felt.deep,
        )
        art.fill(
            "M-54 86C-50 130 -50 150 -48 176C-42 226 52 226 58 176C60 140 62 110 64 84C26 110 -18 110 -54 86Z",
            inner.base,
        )
        art.fill(
            "M-18 -262C60 -270 112 -190 106 -60C104 -20 100 10 96 44C92 56 84 46 76 50C50 72 30 78 10 80C70 -40 70 -180 -18 -262Z",
            felt.shade if flip == 1 else felt.light,
            1 if flip == 1 else 0.45,
        )
        art.stroke("M-66 56C-20 94 34 88 78 48", felt.light, 8)
        art.stroke(
            "M-76 -150C-84 -90 -78 -40 -70 0" if flip == 1 else "M66 -170C84 -100 80 -60 76 -10",
            felt.light,
            10,
            0.7,
        )
        art.end()
        art.end()
    return art


DRAWINGS = {
    "wool-blanket": wool_blanket,
    "linen-duvet-set": linen_duvet_set,
    "velvet-cushion": velvet_cushion,
    "bath-towel": bath_towel,
    "flatwoven-rug": flatwoven_rug,
    "linen-curtain": linen_curtain,
    "tea-towels": tea_towels,
    "felt-slippers": felt_slippers,
}
