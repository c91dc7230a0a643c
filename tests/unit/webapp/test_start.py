"""What a web process and a worker do not import when they start: they start again at every release and after every crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEAVY = ("fpdf", "fontTools")


def test_what_draws_papers_is_imported_when_one_is_drawn() -> None:
    """fpdf brings fontTools: a fifth of the import time for a page that the staff prints now and then."""
    code = (
        "import sys, webapp.wsgi, worker.__main__, worker.registry; worker.registry.load();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
