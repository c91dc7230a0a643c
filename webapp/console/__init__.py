"""The console: order management for the staff, at /console.

`register_console` is its only door. Every route declares a permission (door.py), every change of an order goes through
the same services as the shop's and the worker's, and every action of staff is in the audit.
"""

from __future__ import annotations

from importlib import import_module

from flask import Flask

ROUTES = (
    "errors",
    "context",
    "people.routes",
    "people.staff_routes",
    "orders.listing",
    "orders.pages",
    "orders.traces",
    "stock.routes",
    "warehouses.routes",
    "fulfilment.routes",
    "jobs.routes",
    "jobs.file_routes",
    "jobs.bulk_routes",
    "jobs.tracking_routes",
    "dashboard.routes",
    "customers.routes",
    "coupons",
    "settings.routes",
    "settings.risk_routes",
    "fulfilment.label_routes",
)
"""The modules that hang their routes and handlers on the blueprint when they are imported."""


def register_console(app: Flask) -> None:
    """Bring the console's routes, words and commands into the application."""
    for name in ROUTES:
        import_module(f"webapp.console.{name}")
    from webapp.console.door import console
    from webapp.console.fulfilment.carrier_routes import carriers
    from webapp.console.people.cli import staff_commands
    from webapp.console.wiring import register_wiring

    register_wiring(app)
    app.register_blueprint(console)
    app.register_blueprint(carriers)
    app.cli.add_command(staff_commands)
