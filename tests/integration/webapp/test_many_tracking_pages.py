"""Many open order pages: each one hears of its own order's move, once, through real streams of a real gunicorn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from webapp.catalog import generator

PAGES = 100
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_a_hundred_open_pages_all_move(database_url: str, tmp_path: Path) -> None:
    """No page is missed. How soon they move is measured by the bench on a quiet machine, not asserted here."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        generator.generate(session, 60)
    engine.dispose()
    answer = tmp_path / "report.json"
    command = [sys.executable, "-m", "bench.tracking_pages", "--database", database_url, "--pages", str(PAGES),
               "--seconds", "4", "--json", str(answer)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert answer.exists(), done.stderr
    report = json.loads(answer.read_text())
    assert (report["pages"], report["moves"], report["missed"]) == (PAGES, PAGES, 0)
