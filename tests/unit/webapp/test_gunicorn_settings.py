"""gunicorn's settings are the same when they are read once."""

from __future__ import annotations

import runpy
from pathlib import Path

from gunicorn.config import Config

CONFIGURATION = Path(__file__).parents[3] / "webapp" / "gunicorn.conf.py"


def test_what_is_read_once_says_what_gunicorn_says() -> None:
    """Every setting, those that it works out of several included."""
    ours = runpy.run_path(str(CONFIGURATION))
    asked, read = Config(), Config()
    for cfg in (asked, read):
        for name in asked.settings:
            if name in ours:
                cfg.set(name, ours[name])
    ours["read_settings_once"](read)
    assert read.keepalive == ours["keepalive"]
    assert "keepalive" in vars(read)
    worked_out = [name for name in vars(Config) if isinstance(vars(Config)[name], property)]
    for name in {*asked.settings, *worked_out}:
        assert repr(getattr(read, name)) == repr(getattr(asked, name)), name
