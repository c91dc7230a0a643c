"""The overload run, short: `python -m bench.load --overload` against a shop of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.shop import started_shop

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(560)]


def test_an_overloaded_shop_sheds_honestly_and_loses_no_order(tmp_path: Path) -> None:
    """Two hundred shoppers a second for ten seconds: some are told to come back, most of them before they have begun, and those who
    are told that they have ordered have.

    How soon it recovers is for the command to judge, on a machine that does nothing else.
    """
    with started_shop(
        tmp_path / "shop", CARTWRIGHT_TRUSTED_PROXIES="1", CARTWRIGHT_LOG_LEVEL="WARNING"
    ) as shop:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "bench.load", "--overload", "100", "--rate", "2", "--seconds", "10"),
                *("--home", str(shop.home), "--out", str(tmp_path / "out")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
        )
    [written] = (tmp_path / "out").glob("*/report.json")
    report = json.loads(written.read_text("utf-8"))
    shed = {kind: count for kind, count in report["errors"].items() if "503 with Retry-After" in kind}
    assert sum(shed.values()) > 0, done.stdout
    newcomers = sum(count for kind, count in shed.items() if kind.startswith(("product:", "add to cart:")))
    assert newcomers > sum(shed.values()) / 2, done.stdout
    assert not [kind for kind in report["errors"] if "HTTP 5" in kind], done.stdout
    assert report["recorded"] >= report["accepted"] > 0, done.stdout
