"""The way of an order is grep-able: nine files carry its numbers, and docs/order-path.md links them in order."""

import re
from pathlib import Path

PROGRAMS = ("webapp", "lambdas", "orders", "worker")
MARK = re.compile(r"Order path (\d)/9:")


def marked_files() -> dict[int, list[Path]]:
    """Which files carry which number."""
    found: dict[int, list[Path]] = {}
    for program in PROGRAMS:
        for path in sorted(Path(program).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                for number in MARK.findall(path.read_text("utf-8")[:600]):
                    found.setdefault(int(number), []).append(path)
    return found


def test_nine_files_carry_the_nine_numbers() -> None:
    """None is missing and none is used twice."""
    marked = marked_files()
    assert sorted(marked) == list(range(1, 10))
    assert all(len(paths) == 1 for paths in marked.values()), marked


def test_the_page_links_the_nine_files_in_order() -> None:
    """docs/order-path.md and the README walk the same way."""
    paths = [str(marked_files()[number][0]) for number in range(1, 10)]
    for page in (Path("docs/order-path.md"), Path("README.md")):
        text = page.read_text("utf-8")
        places = [text.find(path) for path in paths]
        assert -1 not in places, f"{page} does not link {paths[places.index(-1)]}"
        assert places == sorted(places), f"{page} links them out of order"


def test_grep_prints_the_nine_steps_in_order() -> None:
    """The page holds the marks too, so that a plain grep over the documents is the path."""
    printed = re.findall(
        r"^\| Order path (\d)/9 \|", Path("docs/order-path.md").read_text("utf-8"), re.MULTILINE
    )
    assert printed == [str(number) for number in range(1, 10)]
