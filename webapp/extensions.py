"""The Flask extensions, made once and bound to an application by `create_app`."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Engine

from orders.adapters.rds.base import Base
from orders.adapters.rds.engine import make_engine


class ShopDatabase(SQLAlchemy):
    """Flask-SQLAlchemy over the core's engine: the time limits and the IAM sign-in live in one place."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        return make_engine(app.config["CARTWRIGHT_SETTINGS"], "cartwright-web")


# Objects keep their values after a commit: reading one again must not open a transaction during a call to a provider.
db = ShopDatabase(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
"""Sessions per request over the core's own metadata, so that the worker shares the models without Flask."""

csrf = CSRFProtect()
