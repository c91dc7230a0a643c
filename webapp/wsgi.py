"""The WSGI entry point: `gunicorn webapp.wsgi:app`, `flask --app webapp.wsgi ...`."""

from __future__ import annotations

import os

from orders.observability import configure_logging
from orders.settings import Settings
from webapp import create_app

_settings = Settings.from_environment(os.environ)
configure_logging("web", log_format=_settings.log_format, level=_settings.log_level)
app = create_app(_settings)
