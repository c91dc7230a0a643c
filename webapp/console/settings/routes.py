"""What this release runs with: every setting by its name and meaning, secrets never; and the table of permissions."""

from __future__ import annotations

from dataclasses import fields

from flask import render_template
from flask.typing import ResponseReturnValue

from orders.settings import environment_name
from webapp.console.door import console, requires
from webapp.console.permissions import ROLE_NAMES, ROLE_PERMISSIONS, Permission, Role
from webapp.wiring import wiring


@console.get("/settings")
@requires(Permission.SETTINGS_VIEW)
def settings() -> ResponseReturnValue:
    """The settings and the permission table, to read."""
    current = wiring().settings
    rows = [
        (
            environment_name(spec.name),
            "set" if spec.metadata["secret"] and getattr(current, spec.name) else "" if spec.metadata["secret"]
            else str(getattr(current, spec.name)),
            spec.metadata["doc"],
            bool(spec.metadata["secret"]),
        )
        for spec in fields(current)
    ]  # fmt: skip
    return render_template(
        "console/settings/settings.html",
        rows=rows,
        roles=list(Role),
        role_names=ROLE_NAMES,
        permissions=list(Permission),
        table=ROLE_PERMISSIONS,
    )
