"""Pictures of the workshop's products."""

from __future__ import annotations

import itertools

from local.catalogue.art.canvas import Canvas, line_through
from local.catalogue.art.palette import Tone, named

ASH, BEECH, BRASS, STEEL, IRON, LEATHER, WALNUT = (
    named(n) for n in ("Ash", "Beech", "Brass", "Steel", "Iron", "Leather", "Walnut")
)


def claw_hammer(wood: Tone = ASH) -> Canvas:
    """A hammer lying across the picture."""
    art = Canvas("workshop", "flat")
    art.group("rotate(36 400 400)")
    art.fill(
        "M372 200L428 200C432 330 420 420 432 520C440 600 444 660 436 730C430 752 370 752 364 730C356 660 360 600 368 520C380 420 368 330 372 200Z",
        wood.base,
    )
    art.fill(
        "M404 200L428 200C432 330 420 420 432 520C440 600 444 660 436 730C433 742 418 748 404 748C414 600 398 420 404 200Z",
        wood.shade,
    )
    art.stroke("M386 300C390 400 384 470 380 560", wood.light, 7, 0.8)
    art.hose("M398 740C398 790 430 790 424 740", 9, LEATHER)
    art.fill(
        "M222 264C226 190 290 136 380 132L470 132L486 146L532 140L532 228L486 222L470 236L360 236C300 226 262 236 222 264Z",
        IRON.base,
    )
    art.fill(
        "M222 264C250 214 300 196 380 196L532 196L532 228L486 222L470 236L360 236C300 226 262 236 222 264Z",
        IRON.shade,
    )
    art.box(526, 134, 34, 100, STEEL.base, 6)
    art.box(544, 134, 16, 100, STEEL.shade, 6)
    art.stroke("M262 204C290 166 330 152 380 150L466 150", IRON.light, 8, 0.7)
    art.box(368, 118, 64, 16, wood.shade, 5)
    art.end()
    return art


def smoothing_plane(body: Tone = IRON) -> Canvas:
    """A bench plane, with the shaving it has just taken."""
    art = Canvas("workshop")
    art.cast(400, 632, 270, 28)
    art.fill(
        "M470 560C460 480 474 420 500 380C520 350 566 350 574 376C580 400 556 410 556 440C556 490 580 520 590 566Z",
        BEECH.base,
    )
    art.fill(
        "M508 562C504 480 520 430 548 384C566 372 576 380 574 388C572 404 556 414 556 440C556 490 580 520 590 566Z",
        BEECH.shade,
    )
    art.turned(224, [(420, 26), (434, 46), (458, 48), (484, 26), (520, 22), (566, 34)], BEECH)
    art.fill("M330 552L432 372L462 386L396 560Z", STEEL.base)
    art.fill("M350 556L446 388L470 400L412 564Z", BRASS.base)
    art.fill("M384 560L458 394L470 400L412 564Z", BRASS.shade)
    art.disc(436, 470, 15, 15, BRASS.deep)
    art.disc(433, 467, 12, 12, BRASS.light)
    art.fill(
        "M136 632L136 584L180 576C260 572 280 528 336 520L452 520C516 526 540 566 610 574L664 584L664 632Z",
        body.base,
    )
    art.fill("M136 632L136 612L664 612L664 632Z", body.deep)
    art.fill("M452 520C516 526 540 566 610 574L664 584L664 612L470 612C480 590 470 540 440 520Z", body.shade)
    art.stroke("M196 584C270 580 296 540 344 532L440 532", body.light, 7, 0.7)
    curl = "M126 636C52 640 48 548 104 546C148 548 148 604 108 604C84 600 88 572 108 574"
    art.stroke(curl, BEECH.shade, 13)
    art.add('<g transform="translate(-2 -3)">')
    art.stroke(curl, BEECH.light, 9)
    art.end()
    return art


def dovetail_saw(wood: Tone = WALNUT) -> Canvas:
    """A back saw, its teeth towards us."""
    art = Canvas("workshop", "flat")
    art.group("rotate(-28 400 400)")
    teeth = "".join(f"L{x} 478L{x} 464" for x in range(84, 540, 12))
    art.fill(f"M72 346L560 346L560 464{''}L548 464L72 464{teeth}L72 464Z", STEEL.base)
    art.fill(f"M72 430L560 430L560 464L72 464{teeth}Z", STEEL.shade)
    art.stroke("M100 384L420 384", STEEL.light, 7)
    art.box(60, 322, 520, 36, BRASS.base, 6)
    art.box(60, 342, 520, 16, BRASS.shade, 6)
    art.stroke("M80 331L520 331", BRASS.light, 5)
    art.add('<path fill-rule="evenodd" d="M536 316C590 300 680 300 726 330C756 352 742 380 726 390C740 440 760 500 730 526C700 548 640 540 600 510C570 490 540 480 536 440ZM604 372C590 400 596 440 624 466C650 488 690 490 692 470C694 440 676 410 672 384C660 366 622 352 604 372Z" '
            f'fill="{wood.base}"/>')  # fmt: skip
    art.fill(
        "M726 390C740 440 760 500 730 526C700 548 640 540 600 510C570 490 540 480 536 440L536 424C560 470 600 480 630 500C670 520 712 516 714 480C714 450 700 410 726 390Z",
        wood.shade,
    )
    for x, y in ((564, 366), (566, 418)):
        art.disc(x, y, 12, 12, BRASS.deep)
        art.disc(x - 1, y - 1, 10, 10, BRASS.light)
    art.end()
    return art


def bevel_edge_chisels(wood: Tone = BEECH) -> Canvas:
    """Four chisels side by side on their canvas roll."""
    art = Canvas("workshop", "flat")
    cloth = named("Olive")
    art.box(120, 470, 560, 170, cloth.base, 10)
    art.box(120, 610, 560, 30, cloth.shade, 10)
    art.stroke("M132 486L668 486", cloth.light, 4, 0.8)
    for x, width in ((190, 26), (324, 40), (466, 54), (612, 70)):
        half = width / 2
        art.fill(
            line_through([(x - half, 720), (x - half, 420), (x + half, 420), (x + half, 720)]) + "Z",
            STEEL.base,
        )
        art.fill(
            line_through([(x + half * 0.4, 720), (x + half * 0.4, 420), (x + half, 420), (x + half, 720)])
            + "Z",
            STEEL.shade,
        )
        art.fill(
            line_through([(x - half, 690), (x + half, 690), (x + half, 720), (x - half, 720)]) + "Z",
            STEEL.light,
        )
        art.fill(
            line_through([(x - half, 420), (x - 12, 376), (x + 12, 376), (x + half, 420)]) + "Z", STEEL.shade
        )
        art.turned(x, [(130, 26), (150, 31), (230, 32), (346, 20)], wood, gloss=0)
        art.stroke(f"M{x - 16} 166L{x - 16} 250", wood.light, 5)
        art.box(x - 27, 124, 54, 20, IRON.base, 6)
        art.box(x - 20, 344, 40, 36, BRASS.base, 4)
        art.box(x + 4, 344, 16, 36, BRASS.shade, 4)
    art.box(120, 500, 560, 84, cloth.base)
    art.box(120, 572, 560, 12, cloth.shade)
    for x in (257, 395, 539):
        art.stroke(f"M{x} 494L{x} 632", cloth.shade, 5)
    art.stroke("M132 512L668 512", cloth.light, 4, 0.8)
    return art


def folding_rule(wood: Tone | None = None) -> Canvas:
    """A rule unfolding in a zigzag."""
    wood = wood or named("Oak")
    art = Canvas("workshop", "flat")
    corners = [(150, 640), (250, 190), (370, 630), (480, 190), (590, 620), (680, 300)]
    for i, (a, b) in enumerate(itertools.pairwise(corners)):
        art.rod(a, b, 50, wood, "round")
        ticks = ""
        for step in range(1, 22):
            share = step / 22
            x, y = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
            nx, ny = (b[1] - a[1]) / 450, -(b[0] - a[0]) / 450
            side = -1 if i % 2 == 0 else 1
            reach = 6 if step % 5 else -4
            ticks += line_through(
                [(x + side * nx * 23, y + side * ny * 23), (x + side * nx * reach, y + side * ny * reach)]
            )
        art.stroke(ticks, wood.deep, 3, cap="butt")
    for x, y in corners[1:-1]:
        art.disc(x, y, 17, 17, BRASS.deep)
        art.disc(x - 2, y - 2, 14, 14, BRASS.light)
    for x, y in (corners[0], corners[-1]):
        art.disc(x, y, 21, 21, BRASS.base)
    return art


def canvas_apron(cloth: Tone) -> Canvas:
    """An apron hanging from a peg."""
    art = Canvas("workshop", "wall")
    art.hose("M320 262C300 130 380 96 400 96C420 96 500 130 480 262", 16, LEATHER)
    art.fill(
        "M310 250L490 250C500 330 520 372 590 392L604 690C540 712 260 712 196 690L210 392C280 372 300 330 310 250Z",
        cloth.base,
    )
    art.fill(
        "M450 250L490 250C500 330 520 372 590 392L604 690C570 700 520 706 470 708C490 560 480 400 450 250Z",
        cloth.shade,
    )
    art.stroke("M324 268L476 268M218 404C282 386 306 348 318 284", cloth.light, 4, 0.8)
    art.stroke("M210 398C170 404 150 440 158 500", cloth.shade, 14)
    art.stroke("M590 398C630 404 650 440 642 500", cloth.shade, 14)
    art.box(276, 470, 250, 130, cloth.shade, 10)
    art.box(272, 464, 250, 130, cloth.base, 10)
    art.stroke("M284 480L510 480M398 470L398 586", cloth.light, 4, 0.9)
    art.box(360, 300, 84, 70, cloth.shade, 6)
    art.rod((388, 270), (388, 330), 12, named("Mustard"))
    art.box(358, 302, 84, 66, cloth.base, 6)
    art.stroke("M366 314L434 314", cloth.light, 4)
    for x in (324, 476):
        art.disc(x, 256, 11, 11, BRASS.deep)
        art.disc(x - 1, 255, 8, 8, BRASS.light)
    art.disc(400, 94, 22, 22, BEECH.deep)
    art.disc(397, 91, 19, 19, BEECH.base)
    return art


def steel_toolbox(body: Tone) -> Canvas:
    """A toolbox, its handle up."""
    art = Canvas("workshop")
    art.cast(410, 640, 290, 30)
    art.hose("M270 376L270 284C270 262 280 252 300 252L520 252C540 252 550 262 550 284L550 376", 20, STEEL)
    art.slab(150, 460, 480, 180, body, 56)
    art.fill("M150 460L206 372L644 372L630 460Z", body.base)
    art.fill("M630 460L644 372L686 435Z", body.deep)
    art.stroke("M176 440L214 386L560 386", body.light, 7, 0.9)
    art.stroke("M150 462L630 462", body.deep, 7, cap="butt")
    art.stroke("M150 552L630 552", body.shade, 6, cap="butt")
    art.stroke("M172 488L172 536", body.light, 9, 0.7)
    for x in (256, 508):
        art.box(x, 440, 44, 62, STEEL.shade, 6)
        art.box(x, 440, 38, 58, STEEL.base, 6)
        art.box(x + 11, 462, 16, 24, STEEL.deep, 4)
    art.box(346, 574, 90, 34, BRASS.base, 5)
    art.stroke("M362 591L420 591", BRASS.deep, 5)
    return art


def bench_vice(body: Tone | None = None) -> Canvas:
    """A vice bolted to nothing in particular."""
    body = body or named("Ink")
    art = Canvas("workshop")
    art.cast(410, 646, 220, 28)
    art.rod((96, 540), (96, 330), 16, STEEL, "round")
    art.rod((92, 436), (250, 436), 34, STEEL)
    for x in (120, 146, 172, 198):
        art.stroke(f"M{x} 422L{x + 8} 450", STEEL.deep, 4, 0.7)
    art.disc(96, 436, 26, 30, STEEL.shade)
    art.disc(93, 433, 22, 26, STEEL.base)
    art.turned(440, [(560, 90), (560, 130), (590, 150), (590, 190), (640, 200)], body, gloss=0)
    art.fill("M200 300L300 300L300 400L470 400L470 480L250 480C220 470 204 420 200 380Z", body.base)
    art.fill("M250 480C220 470 206 430 202 396C250 440 320 444 470 440L470 480Z", body.shade)
    art.fill(
        "M352 300L452 300C470 340 520 350 590 352C640 356 660 392 640 420C610 450 570 470 560 570L352 570C346 500 340 470 330 440L352 420Z",
        body.base,
    )
    art.fill(
        "M470 336C500 348 550 350 590 352C640 356 660 392 640 420C610 450 570 470 560 570L480 570C490 480 500 400 470 336Z",
        body.shade,
    )
    art.stroke("M372 330L440 330M222 330L222 380", body.light, 8, 0.7)
    for x in (278, 348):
        art.box(x, 268, 26, 84, STEEL.base, 3)
        art.box(x + 14, 268, 12, 84, STEEL.shade, 3)
        for y in (284, 300, 316, 332):
            art.stroke(f"M{x + 4} {y}L{x + 22} {y - 6}", STEEL.deep, 3, 0.6)
    for x in (282, 596):
        art.disc(x, 614, 15, 8, STEEL.light)
    return art


DRAWINGS = {
    "claw-hammer": claw_hammer,
    "smoothing-plane": smoothing_plane,
    "dovetail-saw": dovetail_saw,
    "bevel-edge-chisels": bevel_edge_chisels,
    "folding-rule": folding_rule,
    "canvas-apron": canvas_apron,
    "steel-toolbox": steel_toolbox,
    "bench-vice": bench_vice,
}
