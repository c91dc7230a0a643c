"""The Flask extensions, made once and bound to an application by `create_app`."""

from __future__ import annotations

import logging
from typing import Any

import flask_wtf.csrf
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from orders.adapters.rds.base import Base
from orders.adapters.rds.engine import make_engine
from webapp.signatures import kept_timed_serializer

log = logging.getLogger(__name__)


class ShopDatabase(SQLAlchemy):
    """Flask-SQLAlchemy over the core's engine: the time limits and the IAM sign-in live in one place."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        return make_engine(app.config["CARTWRIGHT_SETTINGS"], "cartwright-web")

    def _teardown_session(self, exc: BaseException | None) -> None:
        """End the request's session. A database that went away after the answer was made does not take the answer back."""
        try:
            super()._teardown_session(exc)
        except DBAPIError as error:
            # SQLAlchemy has thrown the dead connection away, but not the session: a later request would be handed it.
            log.warning("connection_lost_after_answer", extra={"reason": type(error).__name__})
            self.session.registry.clear()


# Objects keep their values after a commit: reading one again must not open a transaction during a call to a provider.
db = ShopDatabase(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
"""Sessions per request over the core's own metadata, so that the worker shares the models without Flask."""

# Flask-WTF makes a serializer for each token that it writes or reads, with a name of its module.
flask_wtf.csrf.URLSafeTimedSerializer = kept_timed_serializer

csrf = CSRFProtect()
