"""What a web process and a worker do not import when they start: they start again at every release and after every crash."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

from orders.settings import Settings
from webapp import create_app

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


def test_no_view_is_a_coroutine() -> None:
    """The application takes each function as it is (webapp.create_app): one that waits would never run."""
    app = create_app(Settings(database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing"))
    hooks = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    called = [
        *app.view_functions.values(),
        *(each for hook in hooks for funcs in hook.values() for each in funcs),
    ]
    assert len(called) > 50
    assert [each for each in called if inspect.iscoroutinefunction(each)] == []
