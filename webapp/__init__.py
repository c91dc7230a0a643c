"""PROGRAM 1: the web application. `create_app` is its only door; nothing connects or configures at import."""

from __future__ import annotations

import os

from flask import Flask

from orders import failpoints
from orders.settings import Settings, require
from webapp import (
    assets,
    errors,
    formats,
    languages,
    page_cache,
    rate_limit,
    refusals,
    request_log,
    security,
    sharing,
    written_fields,
)
from webapp.extensions import csrf, db
from webapp.spoken_templates import SpokenEnvironment
from webapp.wiring import Wiring, make_wiring


def create_app(settings: Settings | None = None, wiring: Wiring | None = None) -> Flask:
    """A configured application. `settings` default to the environment's; `wiring` to the real adapters.

    Raises SettingsError when the environment is wrong.
    """
    if wiring is not None:
        settings = wiring.settings
    settings = settings or Settings.from_environment(os.environ)
    require(settings, "database_url", "secret_key", "public_url", "order_api_url", "payment_provider")
    failpoints.configure(settings.failpoint)
    app = Flask("webapp", static_folder=None)
    app.jinja_environment = SpokenEnvironment  # type: ignore[assignment]  # Flask types it as the very class it begins with.
    app.log_exception = lambda exc_info: None  # type: ignore[method-assign]  # errors.py logs it, without the path.
    # Flask would ask of each function of each request whether it is a coroutine. None of ours is (tests: test_app_factory).
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        CARTWRIGHT_SETTINGS=settings,
    )
    request_log.register_request_log(app)
    refusals.register_refusals(app)
    security.register_security(app, settings)
    db.init_app(app)
    csrf.init_app(app)
    app.extensions["cartwright"] = wiring or make_wiring(settings)
    app.extensions["cartwright-buckets"] = rate_limit.Buckets()
    app.extensions["cartwright-pages"] = page_cache.PageCache()
    languages.register_languages(app, settings)
    formats.register_formats(app)
    written_fields.register_written_fields(app)
    sharing.register_sharing(app)
    assets.register_assets(app)
    errors.register_errors(app)
    _register_features(app)
    languages.serve_languages(app)
    return app


def _register_features(app: Flask) -> None:
    """Each feature brings its routes, and its commands where it has some."""
    from webapp import health, layout
    from webapp.account import register_account
    from webapp.cart import routes as cart
    from webapp.catalog import routes as catalog
    from webapp.catalog import seo
    from webapp.catalog.cli import bp as catalog_commands
    from webapp.checkout import routes as checkout
    from webapp.checkout import test_bank
    from webapp.checkout.cli import bp as checkout_commands
    from webapp.console import register_console
    from webapp.tracking import routes as tracking

    layout.register_layout(app)
    for feature in (health, catalog, seo, cart, checkout, tracking):
        app.register_blueprint(feature.bp)
    app.register_blueprint(catalog_commands)
    app.register_blueprint(checkout_commands)
    register_account(app)
    register_console(app)
    settings: Settings = app.config["CARTWRIGHT_SETTINGS"]
    if settings.is_local:
        from webapp import styleguide

        app.register_blueprint(styleguide.bp)
    if settings.is_local and settings.inbox_url:
        from webapp import inbox

        app.register_blueprint(inbox.bp)
    if settings.payment_provider == "test" and settings.stage != "prod":
        app.register_blueprint(test_bank.bp)
    if settings.payment_provider == "stripe":
        from webapp.checkout import stripe_webhook

        app.register_blueprint(stripe_webhook.bp)
    csrf.exempt(health.bp)
