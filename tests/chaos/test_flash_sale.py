"""The flash sale, small: more shoppers than pieces, through the real pages, with one counter and with several."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIECES, SHOPPERS = 12, 60

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(560)]


def test_exactly_the_pieces_are_sold_and_everybody_is_told(tmp_path: Path) -> None:
    """Nobody meets a server error, and nobody is left without an answer. How soon is for `make flash-sale` to judge."""
    out = tmp_path / "sale.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench.flash_sale", "--pieces", str(PIECES), "--shoppers", str(SHOPPERS)),
            *(
                "--crowd",
                "8",
                "--counters",
                "1",
                "4",
                "--out",
                str(out),
                "--own-home",
                str(tmp_path / "shop"),
            ),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=540,
    )
    sales = json.loads(out.read_text("utf-8"))
    assert [sale["counters"] for sale in sales] == [1, 4]
    for sale in sales:
        assert (sale["sold"], sale["available"], sale["server_errors"]) == (PIECES, 0, 0), done.stdout
        assert sale["told"]["ordered"] == PIECES
        assert sum(sale["told"].values()) == SHOPPERS
