"""Pictures of what is taken on a journey."""

from __future__ import annotations

from local.catalogue.art.canvas import Canvas
from local.catalogue.art.palette import Tone, named

BRASS, STEEL, LEATHER, BEECH, IRON, PAPER = (
    named(n) for n in ("Brass", "Steel", "Leather", "Beech", "Iron", "Paper")
)


def canvas_weekender(cloth: Tone) -> Canvas:
    """A holdall with leather handles."""
    art = Canvas("travel")
    art.cast(400, 640, 290, 30)
    art.hose("M262 420C250 210 550 210 538 420", 24, LEATHER)
    art.fill(
        "M120 430C116 390 150 362 200 358L600 358C650 362 684 390 680 430L692 600C694 630 676 644 650 644L150 644C124 644 106 630 108 600Z",
        cloth.base,
    )
    art.fill(
        "M560 358L600 358C650 362 684 390 680 430L692 600C694 630 676 644 650 644L548 644C590 560 590 450 560 358Z",
        cloth.shade,
    )
    art.stroke("M176 372C300 352 500 352 624 372", cloth.deep, 7)
    art.stroke("M184 384C300 366 500 366 616 384", BRASS.base, 5)
    art.fill(
        "M108 580L692 580L692 606C694 630 676 644 650 644L150 644C124 644 106 630 108 606Z", LEATHER.base
    )
    art.fill(
        "M570 580L692 580L692 606C694 630 676 644 650 644L548 644C560 624 566 604 570 580Z", LEATHER.shade
    )
    for x in (240, 520):
        art.box(x, 404, 44, 180, LEATHER.base)
        art.box(x + 28, 404, 16, 180, LEATHER.shade)
        art.box(x - 4, 450, 52, 34, BRASS.base, 5)
        art.box(x + 8, 458, 28, 18, LEATHER.deep, 3)
    art.hose("M240 430C244 250 540 260 542 430", 24, LEATHER)
    art.box(350, 266, 94, 38, LEATHER.deep, 16)
    art.stroke("M146 440C138 480 138 520 140 556", cloth.light, 10, 0.8)
    art.stroke("M300 420L500 420M300 560L500 560", cloth.light, 4, 0.6)
    return art


def roll_top_rucksack(cloth: Tone) -> Canvas:
    """A rucksack with its top rolled down."""
    art = Canvas("travel")
    art.cast(400, 644, 190, 28)
    art.hose("M220 300C150 380 160 540 226 600", 30, LEATHER)
    art.fill(
        "M224 270L576 270C590 400 598 520 590 610C586 636 570 646 544 646L256 646C230 646 214 636 210 610C202 520 210 400 224 270Z",
        cloth.base,
    )
    art.fill(
        "M520 270L576 270C590 400 598 520 590 610C586 636 570 646 544 646L500 646C540 520 540 390 520 270Z",
        cloth.shade,
    )
    art.box(208, 196, 384, 92, cloth.shade, 44)
    art.box(208, 190, 384, 84, cloth.base, 42)
    art.stroke("M234 214L540 214", cloth.light, 9, 0.9)
    art.stroke("M226 250L570 250", cloth.deep, 5, 0.7)
    art.hose("M350 196C350 130 450 130 450 196", 16, LEATHER)
    for x in (286, 478):
        art.box(x, 180, 36, 270, LEATHER.base, 6)
        art.box(x + 22, 180, 14, 270, LEATHER.shade, 6)
        art.box(x - 6, 336, 48, 40, BRASS.base, 6)
        art.box(x + 6, 346, 24, 20, LEATHER.deep, 3)
    art.box(264, 432, 272, 176, cloth.shade, 16)
    art.box(260, 424, 272, 176, cloth.base, 16)
    art.fill("M260 440C260 430 268 424 276 424L516 424C524 424 532 430 532 440L532 482L260 482Z", cloth.shade)
    art.stroke("M280 440L512 440", cloth.light, 4, 0.8)
    art.box(380, 464, 34, 46, LEATHER.base, 5)
    art.disc(397, 494, 8, 8, BRASS.light)
    return art


def vacuum_flask(body: Tone) -> Canvas:
    """A flask beside its cup."""
    art = Canvas("travel")
    art.cast(350, 650, 96)
    art.turned(350, [(286, 66), (300, 72), (330, 92), (360, 94), (600, 94), (600, 94)], body)
    art.turned(350, [(596, 94), (596, 94), (630, 92), (648, 88)], STEEL, gloss=0, top=False)
    art.turned(350, [(262, 68), (262, 68), (290, 68)], STEEL, gloss=0)
    art.turned(350, [(150, 62), (158, 68), (252, 72), (266, 72)], body, gloss=-0.6)
    art.disc(350, 151, 60, 8, body.light)
    art.stroke("M278 252A72 11 0 0 0 422 252", body.deep, 4, 0.6, "butt")
    art.cast(560, 652, 70)
    art.turned(560, [(540, 74), (600, 72), (640, 62), (650, 58)], STEEL)
    art.mouth(560, 540, 74, STEEL, named("Coffee").base, 7)
    for x in (540, 580):
        art.stroke(f"M{x} 512C{x - 26} 482 {x + 26} 456 {x} 424", "#ffffff", 10, 0.75)
    return art


def wash_bag(cloth: Tone) -> Canvas:
    """A wash bag with a brush and a tube looking out."""
    art = Canvas("travel")
    art.cast(400, 642, 230, 28)
    art.rod((330, 420), (300, 236), 22, BEECH, "round")
    art.box(284, 196, 18, 66, PAPER.light, 6)
    art.fill("M470 420L454 268L534 256L548 420Z", named("Sage").base)
    art.fill("M500 420L498 262L534 256L548 420Z", named("Sage").shade)
    art.box(450, 248, 90, 22, PAPER.base, 6)
    art.fill("M196 400L604 400L640 600C644 630 630 644 606 644L194 644C170 644 156 630 160 600Z", cloth.base)
    art.fill("M540 400L604 400L640 600C644 630 630 644 606 644L520 644C560 570 560 480 540 400Z", cloth.shade)
    art.box(186, 384, 428, 34, cloth.deep, 14)
    art.stroke("M204 400L596 400", BRASS.base, 9)
    art.box(560, 388, 36, 26, BRASS.light, 6)
    art.stroke("M590 402L626 440", LEATHER.base, 13)
    art.stroke("M210 450C200 500 194 550 192 596", cloth.light, 10, 0.8)
    art.box(330, 500, 140, 74, LEATHER.base, 8)
    art.stroke("M342 512L458 512M342 562L458 562", LEATHER.light, 4, 0.8)
    art.hose("M160 480C110 480 110 560 154 566", 16, LEATHER)
    return art


def walking_umbrella(cloth: Tone) -> Canvas:
    """An open umbrella with a crook handle."""
    art = Canvas("travel", "wall")
    art.group("rotate(14 400 400)")
    art.rod((400, 90), (400, 150), 12, BEECH, "round")
    art.rod((400, 380), (400, 630), 16, BEECH)
    art.hose("M400 620C400 730 500 730 496 650", 22, BEECH)
    edge = "C590 352 530 352 500 400C474 356 426 356 400 400C374 356 326 356 300 400C270 352 210 352 130 400Z"
    art.fill(f"M130 400C140 240 270 140 400 136C530 140 660 240 670 400{edge}", cloth.base)
    art.fill("M400 136C530 140 660 240 670 400C590 352 530 352 500 400C500 300 470 200 400 136Z", cloth.shade)
    art.fill("M400 136C470 200 500 300 500 400C474 356 426 356 400 400Z", cloth.base)
    art.fill(
        "M400 136C330 200 300 300 300 400C270 352 210 352 130 400C140 240 270 140 400 136Z", cloth.light, 0.55
    )
    art.stroke(
        "M400 138C330 200 300 300 300 398M400 138L400 398M400 138C470 200 500 300 500 398", cloth.deep, 4, 0.6
    )
    art.end()
    for x, y in ((130, 560), (210, 640), (640, 560), (690, 660), (600, 690)):
        art.stroke(f"M{x} {y}L{x - 10} {y + 34}", named("Sky").base, 8)
    return art


def passport_wallet(leather: Tone) -> Canvas:
    """A wallet with a passport and a boarding pass in it."""
    art = Canvas("travel", "flat")
    art.group("rotate(-10 400 400)")
    art.box(270, 110, 250, 300, PAPER.light, 10)
    art.box(270, 110, 250, 56, named("Rust").base, 10)
    art.stroke("M296 200L420 200M296 230L380 230", PAPER.deep, 6, 0.5)
    art.stroke("M470 190L470 260M484 190L484 260M496 190L496 260", PAPER.deep, 5, 0.6)
    passport = named("Plum")
    art.box(214, 190, 320, 320, passport.base, 14)
    art.disc(374, 262, 36, 36, BRASS.base)
    art.disc(374, 262, 26, 26, passport.base)
    art.stroke("M348 262L400 262M374 236C360 250 360 274 374 288C388 274 388 250 374 236", BRASS.base, 4)
    art.box(160, 314, 480, 360, leather.shade, 26)
    art.fill(
        "M160 340C160 324 172 314 186 314L614 314C628 314 640 324 640 340L640 636C640 650 628 662 614 662L186 662C172 662 160 650 160 636Z",
        leather.base,
    )
    art.fill(
        "M470 314L614 314C628 314 640 324 640 340L640 636C640 650 628 662 614 662L520 662C560 560 540 420 470 314Z",
        leather.shade,
    )
    art.add(
        f'<rect x="176" y="330" width="448" height="316" rx="16" fill="none" stroke="{leather.light}" stroke-width="4" stroke-dasharray="15 10"/>'
    )
    art.fill("M340 314C346 356 454 356 460 314Z", passport.base)
    art.box(500, 580, 92, 36, leather.deep, 6, 0.6)
    art.end()
    return art


def enamel_camp_mug(enamel: Tone) -> Canvas:
    """An enamel mug with its dark rim, on a stone."""
    art = Canvas("travel")
    stone = named("Slate")
    art.cast(400, 660, 230, 28)
    art.fill(
        "M170 640C176 590 280 584 400 590C540 586 620 596 640 636C646 676 560 690 400 688C240 690 166 676 170 640Z",
        stone.base,
    )
    art.fill("M470 590C560 586 624 600 640 636C646 676 560 690 400 688C480 670 500 630 470 590Z", stone.shade)
    art.hose("M510 400C630 376 640 540 508 552", 24, enamel)
    art.turned(380, [(340, 146), (400, 144), (560, 138), (590, 130), (604, 120)], enamel)
    art.disc(380, 340, 150, 25, named("Ink").deep)
    art.disc(380, 341, 138, 19, "#ffffff")
    art.disc(380, 346, 126, 14, named("Coffee").base)
    art.stroke("M250 594A130 22 0 0 0 510 594", named("Ink").deep, 7, 1, "butt")
    for x, y in (
        (300, 420),
        (340, 520),
        (420, 460),
        (290, 560),
        (400, 570),
        (356, 446),
        (450, 540),
        (470, 420),
    ):
        art.disc(x, y, 4, 4, enamel.deep, 0.7)
    for x in (350, 420):
        art.stroke(f"M{x} 306C{x - 30} 270 {x + 30} 240 {x} 200", "#ffffff", 11, 0.75)
    return art


def fibre_suitcase(body: Tone) -> Canvas:
    """A small case with leather corners."""
    art = Canvas("travel")
    art.cast(420, 646, 280, 28)
    art.hose("M330 290L330 258C330 240 340 232 356 232L444 232C460 232 470 240 470 258L470 290", 20, LEATHER)
    art.fill("M150 300L196 268L696 268L650 300Z", body.light)
    art.fill("M650 300L696 268L696 606L650 646Z", body.deep)
    art.box(130, 292, 530, 354, body.base, 24)
    art.fill(
        "M520 292L636 292C650 292 660 302 660 316L660 622C660 636 650 646 636 646L500 646C560 540 560 400 520 292Z",
        body.shade,
    )
    for x, y, turn in ((130, 292, 0), (660, 292, 90), (660, 646, 180), (130, 646, 270)):
        art.add(
            f'<path transform="translate({x} {y}) rotate({turn})" d="M0 24C0 8 10 0 24 0L84 0C84 46 46 84 0 84Z" fill="{LEATHER.shade}"/>'
        )
        art.add(
            f'<g transform="translate({x} {y}) rotate({turn})" fill="{BRASS.light}"><circle cx="64" cy="16" r="6"/><circle cx="16" cy="64" r="6"/><circle cx="46" cy="46" r="6"/></g>'
        )
    art.stroke("M130 420L660 420", body.deep, 6, cap="butt")
    art.stroke("M150 430L600 430", body.light, 4, 0.6)
    for x in (232, 524):
        art.box(x, 394, 46, 60, BRASS.shade, 6)
        art.box(x, 394, 40, 56, BRASS.base, 6)
        art.disc(x + 20, 430, 7, 9, BRASS.deep)
    for x in (270, 500):
        art.box(x, 272, 24, 28, BRASS.base, 4)
    art.stroke("M166 360L166 400M166 470L166 560", body.light, 9, 0.7)
    art.box(330, 500, 130, 82, PAPER.base, 6)
    art.stroke("M350 526L440 526M350 552L410 552", named("Rust").base, 7)
    return art


DRAWINGS = {
    "canvas-weekender": canvas_weekender,
    "roll-top-rucksack": roll_top_rucksack,
    "vacuum-flask": vacuum_flask,
    "wash-bag": wash_bag,
    "walking-umbrella": walking_umbrella,
    "passport-wallet": passport_wallet,
    "enamel-camp-mug": enamel_camp_mug,
    "fibre-suitcase": fibre_suitcase,
}
