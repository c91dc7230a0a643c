"""Pictures of the garden's products."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas, Point
from local.catalogue.art.palette import Tone, named

BRASS, STEEL, IRON, ASH, LEATHER, LEAF, OAK, TERRACOTTA = (
    named(n) for n in ("Brass", "Steel", "Iron", "Ash", "Leather", "Leaf", "Oak", "Terracotta")
)
SOIL = named("Coffee")


def leaf(art: Canvas, foot: Point, tip: Point, width: float = 0.28, green: Tone = LEAF) -> None:
    """A leaf from its foot to its tip, its far half in shade."""
    (x1, y1), (x2, y2) = foot, tip
    dx, dy = x2 - x1, y2 - y1
    mx, my = x1 + dx * 0.45, y1 + dy * 0.45
    left = f"{mx - dy * width:.0f} {my + dx * width:.0f}"
    right = f"{mx + dy * width:.0f} {my - dx * width:.0f}"
    art.fill(f"M{x1} {y1}Q{left} {x2} {y2}Q{right} {x1} {y1}Z", green.base)
    art.fill(f"M{x1} {y1}L{x2} {y2}Q{left} {x1} {y1}Z", green.shade)


def watering_can(body: Tone) -> Canvas:
    """A can with a long spout and a brass rose."""
    art = Canvas("garden")
    art.cast(380, 645, 190)
    art.hose("M210 420C90 400 90 600 214 596", 20, body)
    art.hose("M246 372C270 210 430 220 452 372", 20, body)
    art.fill("M470 600C540 560 560 420 628 290L656 306C610 430 590 610 474 640Z", body.base)
    art.fill("M474 622C570 590 596 430 646 300L656 306C610 430 590 610 474 640Z", body.shade)
    art.stroke("M470 420L590 400", body.shade, 12)
    art.turned(350, [(376, 128), (384, 136), (500, 142), (630, 148), (644, 144)], body)
    for y in (430, 590):
        art.stroke(f"M{212} {y + 2}A140 21 0 0 0 {488} {y + 2}", body.deep, 5, 0.5, "butt")
    art.mouth(350, 376, 130, body, body.deep, 10)
    art.group("rotate(28 648 280)")
    art.fill("M626 300L600 236L696 236L670 300Z", BRASS.base)
    art.fill("M652 300L664 236L696 236L670 300Z", BRASS.shade)
    art.disc(648, 236, 49, 15, BRASS.light)
    for x in (616, 636, 656, 676):
        art.disc(x, 236, 4, 3, BRASS.deep)
    art.end()
    return art


def hand_trowel(steel: Tone = STEEL) -> Canvas:
    """A trowel with a bulb it is about to plant."""
    art = Canvas("garden", "flat")
    art.group("rotate(40 400 400)")
    art.hose("M386 84C370 20 430 20 414 84", 9, LEATHER)
    art.fill("M374 80C372 66 428 66 426 80C434 150 432 220 424 300L376 300C368 220 366 150 374 80Z", ASH.base)
    art.fill(
        "M406 70C422 70 426 74 426 80C434 150 432 220 424 300L404 300C412 220 412 140 406 70Z", ASH.shade
    )
    art.stroke("M386 110C382 160 384 210 388 260", ASH.light, 7)
    art.fill("M374 292L426 292L418 400L382 400Z", steel.shade)
    art.fill("M374 292L402 292L400 400L382 400Z", steel.base)
    art.fill(
        "M330 430C330 396 370 384 400 384C430 384 470 396 470 430C476 560 450 670 400 748C350 670 324 560 330 430Z",
        steel.base,
    )
    art.fill("M400 384C430 384 470 396 470 430C476 560 450 670 400 748C420 620 420 500 400 384Z", steel.shade)
    art.stroke("M352 440C352 520 364 590 380 640", steel.light, 9)
    for i, y in enumerate((500, 540, 580, 620)):
        art.stroke(f"M{404} {y}L{428 - 3 * i} {y}", steel.deep, 5, cap="butt")
    art.end()
    art.fill(
        "M560 560C580 530 590 520 596 480C604 520 616 530 636 560C660 600 640 640 598 640C556 640 536 600 560 560Z",
        named("Tan").base,
    )
    art.fill(
        "M596 480C604 520 616 530 636 560C660 600 640 640 598 640C630 600 620 540 596 480Z",
        named("Tan").shade,
    )
    art.stroke("M576 560C566 586 568 610 578 626", named("Tan").light, 6)
    art.stroke("M580 640L572 664M598 640L598 668M616 640L626 662", named("Natural").deep, 5)
    return art


def bypass_secateurs(steel: Tone = STEEL) -> Canvas:
    """Open secateurs and the stem they cut."""
    art = Canvas("garden", "flat")
    art.group("rotate(28 400 400)")
    art.stroke("M440 400C560 470 570 600 520 730", LEATHER.shade, 54)
    art.stroke("M434 400C552 470 560 600 512 726", LEATHER.base, 42)
    art.stroke("M382 400C280 480 256 600 290 730", LEATHER.shade, 54)
    art.stroke("M378 400C276 480 250 600 284 726", LEATHER.base, 42)
    art.stroke("M300 500C276 570 270 620 278 680", LEATHER.light, 8, 0.7)
    art.stroke("M380 470L420 500L380 522L420 546L384 566", IRON.base, 10)
    art.fill("M372 430C340 380 330 250 372 120C420 150 452 270 440 400Z", steel.base)
    art.fill("M372 120C420 150 452 270 440 400L404 420C420 320 410 210 372 120Z", steel.shade)
    art.stroke("M364 180C352 250 352 310 362 360", steel.light, 8)
    art.fill("M390 440C440 430 480 370 506 270C510 230 494 214 482 250C466 320 440 350 402 372Z", IRON.base)
    art.fill("M390 440C440 430 480 370 506 270C506 250 502 240 498 240C480 330 450 390 390 420Z", IRON.shade)
    art.disc(404, 404, 27, 27, BRASS.deep)
    art.disc(401, 401, 22, 22, BRASS.base)
    art.disc(401, 401, 8, 8, BRASS.deep)
    art.end()
    art.rod((560, 150), (700, 250), 15, LEAF, "round")
    leaf(art, (620, 192), (600, 110), 0.3)
    leaf(art, (660, 222), (740, 170), 0.3)
    return art


def terracotta_pot(clay: Tone = TERRACOTTA) -> Canvas:
    """A pot in its saucer, with something growing in it."""
    art = Canvas("garden")
    art.cast(400, 652, 190)
    art.turned(400, [(622, 176), (636, 170), (652, 150)], clay, gloss=0)
    art.disc(400, 622, 176, None, clay.light)
    art.disc(400, 625, 164, 22, clay.deep)
    for foot, tip, width in (((400, 380), (250, 250), 0.26), ((400, 380), (560, 240), 0.26), ((396, 370), (320, 130), 0.22),
                             ((404, 370), (480, 120), 0.22), ((400, 390), (210, 360), 0.24), ((400, 390), (600, 350), 0.24),
                             ((400, 380), (400, 170), 0.2)):  # fmt: skip
        leaf(art, foot, tip, width)
    art.turned(400, [(440, 148), (520, 132), (600, 116), (628, 110)], clay, gloss=-0.6)
    art.fill("M262 452A140 24 0 0 0 538 452L536 470A138 24 0 0 1 264 470Z", clay.deep, 0.5)
    art.turned(400, [(382, 170), (382, 170), (444, 166), (452, 160)], clay, gloss=0, top=False)
    art.add(
        f'<path d="M230 382A170 25.500 0 0 0 570 382L556 382A156 20 0 0 1 244 382Z" fill="{clay.light}"/>'
    )
    art.stroke("M250 408L252 440", clay.light, 11, 0.8)
    return art


def digging_fork(steel: Tone = STEEL) -> Canvas:
    """A fork standing in dug earth."""
    art = Canvas("garden")
    art.rod((400, 130), (400, 420), 28, ASH)
    art.fill(
        "M330 92C330 76 470 76 470 92L470 112C440 116 426 130 418 168L382 168C374 130 360 116 330 112Z",
        ASH.base,
    )
    art.fill(
        "M430 84C456 84 470 86 470 92L470 112C440 116 426 130 418 168L400 168C406 130 420 110 430 84Z",
        ASH.shade,
    )
    art.stroke("M342 96L420 96", ASH.light, 7)
    art.fill("M384 330L416 330L414 470L386 470Z", steel.base)
    art.fill("M402 330L416 330L414 470L400 470Z", steel.shade)
    for x in (392, 408):
        art.disc(x, 352, 4, 4, steel.deep)
    art.fill(
        "M296 480C340 456 372 470 386 440L414 440C428 470 460 456 504 480L504 500C460 486 340 486 296 500Z",
        steel.shade,
    )
    for x in (300, 368, 436, 502):
        art.rod((x, 484), (x + (x - 400) * 0.06, 640), 20, steel)
    art.cast(400, 650, 240, 30)
    art.fill(
        "M130 652C160 610 200 622 236 598C268 580 300 606 336 592C370 580 400 604 436 590C480 576 510 604 548 600C590 604 640 620 664 652C640 690 160 690 130 652Z",
        SOIL.base,
    )
    art.fill(
        "M470 590C510 590 520 604 548 600C590 604 640 620 664 652C650 680 500 686 380 682C500 670 540 630 470 590Z",
        SOIL.shade,
    )
    for x, y, r in (
        (220, 640, 12),
        (300, 632, 9),
        (380, 648, 13),
        (470, 634, 10),
        (560, 646, 12),
        (260, 664, 8),
        (440, 668, 9),
    ):
        art.disc(x, y, r, r * 0.7, SOIL.light, 0.5)
    leaf(art, (610, 640), (650, 556), 0.3)
    leaf(art, (610, 640), (570, 566), 0.3)
    return art


def garden_trug(wood: Tone | None = None) -> Canvas:
    """A trug of what the bed gave today."""
    wood = wood or named("Willow")
    art = Canvas("garden")
    art.cast(400, 642, 220, 28)
    art.hose("M362 470C346 150 446 150 430 470", 24, OAK)
    for x, tip in ((250, 330), (310, 300), (520, 320)):
        leaf(art, (x, 440), (x - 40, tip), 0.3)
        leaf(art, (x, 440), (x + 46, tip - 14), 0.3)
    carrot = named("Rust")
    for x, turn in ((280, -8), (500, 10)):
        art.add(f'<g transform="rotate({turn} {x} 420)"><path d="M{x - 34} 470C{x - 40} 390 {x - 20} 370 {x} 370C{x + 20} 370 {x + 40} 390 {x + 34} 470Z" fill="#d9733a"/>'
                f'<path d="M{x} 370C{x + 20} 370 {x + 40} 390 {x + 34} 470L{x + 8} 470C{x + 14} 430 {x + 12} 400 {x} 370Z" fill="{carrot.base}"/></g>')  # fmt: skip
    art.disc(400, 404, 66, 66, "#c94f43")
    art.fill("M420 342C480 360 480 450 420 468C450 430 450 380 420 342Z", "#a63c3c")
    art.stroke("M362 380C370 364 380 358 392 354", "#ee9a86", 9)
    art.disc(596, 430, 48, 48, "#7d4660")
    art.disc(208, 436, 40, 40, "#c94f43")
    art.fill("M130 440L670 440C664 560 590 640 400 644C210 640 136 560 130 440Z", wood.base)
    art.fill("M540 440L670 440C664 560 590 640 400 644C500 620 540 550 540 440Z", wood.shade)
    for y, inset in ((500, 14), (556, 46), (604, 110)):
        art.stroke(f"M{134 + inset} {y}C{250} {y + 22} {550} {y + 22} {666 - inset} {y}", wood.deep, 5, 0.6)
    art.stroke("M132 440C250 462 550 462 668 440", wood.deep, 30)
    art.stroke("M132 436C250 458 550 458 668 436", OAK.base, 24)
    art.stroke("M160 436C280 452 480 454 560 448", OAK.light, 5)
    art.stroke("M400 644L400 452", OAK.shade, 30, cap="butt")
    art.stroke("M396 644L396 452", OAK.base, 22, cap="butt")
    for x in (190, 290, 500, 610):
        art.disc(x, 447, 5, 5, named("Copper").deep)
    return art


def nest_box(wood: Tone | None = None) -> Canvas:
    """A nest box with a tenant."""
    wood = wood or named("Natural")
    art = Canvas("garden", "wall")
    art.box(376, 60, 56, 690, named("Walnut").base, 8)
    art.box(410, 60, 22, 690, named("Walnut").shade, 8)
    art.box(270, 250, 260, 380, wood.base, 4)
    art.box(450, 250, 80, 380, wood.shade, 4)
    for x in (335, 400, 465):
        art.stroke(f"M{x} 262L{x} 624", wood.deep, 4, 0.45)
    art.fill("M226 270L262 176L538 176L574 270Z", named("Slate").base)
    art.fill("M450 176L538 176L574 270L480 270Z", named("Slate").shade)
    art.box(226, 262, 348, 22, named("Slate").deep, 3)
    art.stroke("M278 194L420 194", named("Slate").light, 7)
    art.disc(400, 390, 62, 62, STEEL.base)
    art.disc(400, 390, 46, 46, SOIL.deep)
    for x, y in ((352, 342), (448, 342), (352, 438), (448, 438)):
        art.disc(x, y, 5, 5, wood.deep)
    art.rod((400, 500), (400, 530), 18, wood, "round")
    art.fill(
        "M420 396C420 372 446 360 470 372C492 380 500 400 496 420L470 452C440 460 418 440 420 396Z", "#e6c557"
    )
    art.fill(
        "M424 380C436 360 466 360 478 376C484 388 476 396 462 396C448 398 430 394 424 380Z", named("Ink").deep
    )
    art.fill("M428 384L402 392L428 398Z", named("Charcoal").base)
    art.disc(446, 386, 5, 5, "#ffffff")
    art.fill("M470 396C500 410 520 440 540 482C500 470 470 450 460 420Z", named("Slate").base)
    for foot, tip in (
        ((432, 700), (520, 650)),
        ((376, 690), (290, 640)),
        ((376, 130), (300, 90)),
        ((432, 120), (500, 70)),
    ):
        leaf(art, foot, tip, 0.3)
    return art


def jute_twine(cord: Tone) -> Canvas:
    """A spool of twine with its end loose."""
    art = Canvas("garden")
    beech = named("Beech")
    art.cast(380, 646, 170)
    art.turned(380, [(616, 168), (616, 168), (646, 168)], beech, gloss=0)
    art.disc(380, 616, 168, None, beech.light)
    art.turned(380, [(340, 118), (360, 138), (480, 150), (590, 140), (614, 120)], cord, gloss=0)
    for i in range(9):
        y = 366 + i * 27
        r = (136, 142, 146, 149, 150, 149, 147, 143, 138)[i]
        art.stroke(
            f"M{380 - r} {y}C{380 - r + 40} {y + 34} {380 + r - 90} {y + 40} {380 + r} {y - 10}",
            cord.deep,
            5,
            0.55,
        )
        art.stroke(
            f"M{380 - r + 6} {y + 10}C{380 - r + 50} {y + 40} {350} {y + 42} {380} {y + 38}",
            cord.light,
            4,
            0.6,
        )
    art.turned(380, [(300, 150), (300, 150), (330, 150)], beech, gloss=0)
    art.disc(380, 300, 150, None, beech.light)
    art.disc(380, 300, 36, 6, beech.deep)
    art.stroke(
        "M520 560C600 560 560 650 640 654C700 656 700 610 664 612C630 616 660 680 730 668", cord.shade, 13
    )
    art.stroke(
        "M520 558C600 558 560 648 640 652C700 654 700 608 664 610C630 614 660 678 730 666", cord.base, 8
    )
    return art


DRAWINGS = {
    "watering-can": watering_can,
    "hand-trowel": hand_trowel,
    "bypass-secateurs": bypass_secateurs,
    "terracotta-pot": terracotta_pot,
    "digging-fork": digging_fork,
    "garden-trug": garden_trug,
    "nest-box": nest_box,
    "jute-twine": jute_twine,
}
