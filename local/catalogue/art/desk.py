"""Pictures of the desk's products."""

from __future__ import annotations

import math

from local.catalogue.art.canvas import Canvas, line_through
from local.catalogue.art.palette import Tone, named

BRASS, STEEL, IRON, PAPER, CREAM = (named(n) for n in ("Brass", "Steel", "Iron", "Paper", "Cream"))


def fountain_pen(metal: Tone = BRASS) -> Canvas:
    """A pen that has just drawn a line."""
    art = Canvas("desk", "flat")
    art.group("rotate(-42 400 400)")
    art.stroke(
        "M44 470C20 520 40 560 90 540C150 510 160 600 230 580C280 566 300 540 330 552", named("Ink").base, 9
    )
    art.fill("M40 406L150 366L176 372L176 440L150 446Z", STEEL.base)
    art.fill("M40 406L176 412L176 440L150 446Z", STEEL.shade)
    art.stroke("M48 406L130 406", STEEL.deep, 5)
    art.disc(136, 406, 8, 8, STEEL.deep)
    art.fill("M172 368L250 358L250 454L172 444Z", IRON.base)
    art.fill("M172 412L250 416L250 454L172 444Z", IRON.shade)
    art.box(246, 350, 480, 112, metal.base, 16)
    art.fill("M246 424L726 424L726 446C726 456 720 462 710 462L262 462C252 462 246 456 246 446Z", metal.shade)
    art.stroke("M276 374L690 374", metal.light, 12)
    for x in (300, 316, 700):
        art.stroke(f"M{x} 350L{x} 462", metal.deep, 4, 0.6, "butt")
    art.end()
    return art


def bound_notebook(cloth: Tone) -> Canvas:
    """A notebook with its ribbon and elastic."""
    art = Canvas("desk", "flat")
    art.group("rotate(-11 400 400)")
    art.fill("M440 660L440 748L456 730L472 748L472 660Z", named("Mustard").base)
    art.box(206, 152, 420, 534, PAPER.shade, 10)
    for y in (676, 682):
        art.stroke(f"M214 {y}L616 {y}", PAPER.deep, 2, 0.4)
    art.box(190, 132, 424, 532, cloth.base, 16)
    art.fill(
        "M206 132L256 132L256 664L206 664C196 664 190 658 190 648L190 148C190 138 196 132 206 132Z",
        cloth.shade,
    )
    art.box(330, 232, 210, 130, PAPER.light, 6)
    for y, right in ((272, 506), (302, 506), (332, 440)):
        art.stroke(f"M358 {y}L{right} {y}", cloth.base, 5, 0.6)
    art.box(566, 132, 20, 532, cloth.deep)
    art.stroke("M286 160L540 160", cloth.light, 6, 0.7)
    art.end()
    return art


def desk_tray(wood: Tone) -> Canvas:
    """Two trays stacked, letters in both."""
    art = Canvas("desk")
    art.cast(420, 640, 280, 26)
    for y in (500, 356):
        art.fill(f"M150 {y}L238 {y - 92}L684 {y - 92}L606 {y}Z", wood.deep)
        art.fill(f"M184 {y + 10}L262 {y - 116}L636 {y - 116}L592 {y + 10}Z", PAPER.shade)
        art.fill(f"M180 {y + 10}L246 {y - 106}L620 {y - 106}L580 {y + 10}Z", PAPER.light)
        for i, share in enumerate((0.3, 0.48, 0.66)):
            art.stroke(
                f"M{250 + 0} {y - 106 + 116 * share:.0f}L{(540, 540, 440)[i]} {y - 106 + 116 * share:.0f}",
                PAPER.deep,
                4,
                0.35,
            )
        art.fill(f"M606 {y}L684 {y - 92}L684 {y + 40}L606 {y + 138}Z", wood.shade)
        art.fill(f"M150 {y}L606 {y}L606 {y + 138}L150 {y + 138}Z", wood.base)
        art.fill(f"M290 {y}L466 {y}C456 {y + 54} 300 {y + 54} 290 {y}Z", wood.deep)
        art.fill(f"M300 {y}L456 {y}C446 {y + 44} 310 {y + 44} 300 {y}Z", PAPER.base)
        art.stroke(f"M166 {y + 12}L280 {y + 12}M476 {y + 12}L590 {y + 12}", wood.light, 6)
        for step in (34, 68, 102):
            art.box(150, y + step, 20, 14, wood.deep, 0, 0.7)
            art.box(586, y + step, 20, 14, wood.deep, 0, 0.7)
        art.stroke(f"M210 {y + 90}C320 {y + 76} 430 {y + 108} 560 {y + 88}", wood.shade, 4, 0.7)
    return art


def paper_scissors(metal: Tone = STEEL) -> Canvas:
    """Open scissors and the strip they cut."""
    art = Canvas("desk", "flat")
    art.group("rotate(20 400 400)")
    bow = "M0 60C-40 120 -110 140 -120 230C-126 300 -60 330 -20 300C30 262 10 160 26 70Z"
    hole = "M-36 150C-76 170 -96 210 -88 250C-80 282 -44 284 -28 260C-10 230 -16 180 -36 150Z"
    for turn, flip in ((17, 1), (-17, -1)):
        art.group(f"translate(400 400) rotate({turn}) scale({flip} 1)")
        art.fill("M-26 70C-34 -80 -14 -220 6 -330C28 -220 34 -60 26 70Z", metal.base)
        art.fill(
            "M8 -330C28 -220 34 -60 26 70L6 70C14 -60 10 -200 8 -330Z",
            metal.shade if flip == 1 else metal.light,
        )
        art.add(f'<path fill-rule="evenodd" d="{bow}{hole}" fill="{IRON.base}"/>')
        art.stroke("M-98 180C-114 220 -110 280 -70 290", IRON.light if flip == 1 else IRON.deep, 7, 0.6)
        art.end()
    art.disc(400, 400, 19, 19, BRASS.deep)
    art.disc(398, 398, 15, 15, BRASS.light)
    art.stroke("M390 405L406 391", BRASS.deep, 5)
    art.end()
    return art


def drawing_pencils(barrel: Tone | None = None) -> Canvas:
    """An open tin with a row of pencils."""
    barrel = barrel or named("Forest")
    art = Canvas("desk", "flat")
    wood = named("Beech")
    art.group("rotate(-8 400 400)")
    art.box(120, 190, 560, 470, STEEL.shade, 26)
    art.box(120, 180, 560, 464, STEEL.base, 26)
    art.box(144, 204, 512, 416, IRON.shade, 14)
    for i in range(8):
        x, top = 152 + i * 62, 232 + (i * 29) % 40
        art.fill(f"M{x} {top + 76}L{x + 28} {top}L{x + 56} {top + 76}Z", wood.light)
        art.fill(f"M{x + 20} {top + 22}L{x + 28} {top}L{x + 36} {top + 22}Z", IRON.deep)
        art.box(x, top + 70, 56, 612 - top - 70, barrel.base)
        art.box(x, top + 70, 17, 612 - top - 70, barrel.light)
        art.box(x + 38, top + 70, 18, 612 - top - 70, barrel.shade)
        art.box(x, 574, 56, 14, BRASS.base)
        art.stroke(f"M{x + 28} {top + 120}L{x + 28} {top + 190}", BRASS.base, 5)
    art.stroke("M160 194L560 194", STEEL.light, 6)
    art.end()
    art.group("rotate(24 560 640)")
    art.box(420, 690, 250, 15, barrel.light)
    art.box(420, 705, 250, 15, barrel.base)
    art.box(420, 718, 250, 14, barrel.shade)
    art.fill("M420 690L356 711L420 732Z", wood.light)
    art.fill("M376 704L356 711L376 718Z", IRON.deep)
    art.end()
    return art


def tape_dispenser(body: Tone) -> Canvas:
    """A heavy dispenser, its tape pulled out."""
    art = Canvas("desk")
    art.cast(410, 640, 270, 28)
    art.disc(330, 430, 156, 156, "#e9c98a")
    art.disc(336, 436, 148, 148, "#d9b26a")
    art.disc(330, 430, 96, 96, PAPER.base)
    art.disc(330, 430, 82, 82, art.ground.disc)
    art.fill("M430 312L652 486L644 500L440 350Z", "#efd7a3")
    art.fill(
        "M130 640L150 500C170 466 190 520 250 540C300 556 370 556 410 530C450 500 500 452 560 452L640 474L690 610L690 640Z",
        body.base,
    )
    art.fill(
        "M410 530C450 500 500 452 560 452L640 474L690 610L690 640L470 640C500 600 470 540 410 530Z",
        body.shade,
    )
    art.stroke("M166 520C160 560 154 590 152 612", body.light, 10, 0.8)
    art.stroke("M470 500C500 478 530 470 560 472", body.light, 8, 0.8)
    art.fill("M636 466L676 476L684 512L672 506L666 516L656 506L650 514L640 500Z", STEEL.base)
    art.disc(330, 430, 44, 44, body.deep)
    art.disc(326, 426, 38, 38, body.base)
    art.disc(326, 426, 12, 12, STEEL.light)
    art.fill("M300 456L360 456L372 540L290 540Z", body.base)
    art.box(130, 630, 560, 14, named("Oak").shade, 4)
    return art


def desk_clock(body: Tone) -> Canvas:
    """A round alarm clock at ten past ten."""
    art = Canvas("desk")
    art.cast(400, 646, 190, 28)
    art.rod((296, 590), (262, 650), 24, body, "round")
    art.rod((504, 590), (538, 650), 24, body, "round")
    art.rod((400, 180), (400, 220), 30, BRASS)
    art.box(366, 160, 68, 30, BRASS.base, 12)
    art.disc(408, 424, 222, 222, body.shade)
    art.disc(396, 420, 218, 218, body.base)
    art.stroke("M208 350A202 202 0 0 1 330 226", body.light, 13)
    art.disc(398, 422, 176, 176, body.deep)
    art.disc(400, 425, 168, 168, PAPER.light)
    for i in range(12):
        angle = i * math.pi / 6
        long = 118 if i % 3 == 0 else 134
        a = (400 + 150 * math.sin(angle), 425 - 150 * math.cos(angle))
        b = (400 + long * math.sin(angle), 425 - long * math.cos(angle))
        art.stroke(line_through([a, b]), IRON.deep, 11 if i % 3 == 0 else 6)
    art.stroke("M400 425L326 382", IRON.deep, 15)
    art.stroke("M400 425L488 350", IRON.deep, 10)
    art.stroke("M392 452L420 320", named("Rust").base, 5)
    art.disc(400, 425, 16, 16, IRON.deep)
    art.disc(400, 425, 7, 7, named("Rust").base)
    return art


def steel_bookends(metal: Tone) -> Canvas:
    """Books held upright between two folded sheets."""
    art = Canvas("desk")
    art.cast(410, 640, 290, 26)
    spines = (
        ("Rust", 62, 300),
        ("Cream", 48, 270),
        ("Indigo", 76, 330),
        ("Sage", 56, 290),
        ("Plum", 44, 250),
        ("Oat", 66, 310),
    )
    x = 212.0
    for colour, width, height in spines:
        book = named(colour)
        top = 632 - height
        art.fill(
            line_through([(x, top), (x + 22, top - 14), (x + width + 22, top - 14), (x + width, top)]) + "Z",
            PAPER.shade,
        )
        art.box(x, top, width, height, book.base, 4)
        art.box(x + width * 0.68, top, width * 0.32, height, book.shade, 4)
        art.stroke(
            f"M{x + 8:.0f} {top + 34}L{x + width - 8:.0f} {top + 34}M{x + 8:.0f} {top + height - 40}L{x + width - 8:.0f} {top + height - 40}",
            book.light,
            6,
            cap="butt",
        )
        x += width
    art.fill(f"M{x} 632L{x} 330L{x + 74} 290L{x + 74} 590Z", metal.shade)
    art.fill(f"M{x} 632L{x} 330L{x + 14} 322L{x + 14} 632Z", metal.deep)
    art.fill("M138 590L212 632L212 330L138 290Z", metal.base)
    art.fill("M198 624L212 632L212 330L198 322Z", metal.shade)
    art.stroke("M154 330L154 570", metal.light, 9)
    art.fill("M96 640L138 590L212 632L212 644L96 650Z", metal.shade)
    art.fill(f"M{x} 632L{x + 74} 590L{x + 130} 632L{x + 130} 642L{x} 644Z", metal.base)
    return art


DRAWINGS = {
    "fountain-pen": fountain_pen,
    "bound-notebook": bound_notebook,
    "desk-tray": desk_tray,
    "paper-scissors": paper_scissors,
    "drawing-pencils": drawing_pencils,
    "tape-dispenser": tape_dispenser,
    "desk-clock": desk_clock,
    "steel-bookends": steel_bookends,
}
