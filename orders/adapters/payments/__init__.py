"""Payment providers behind one port: the embedded test provider, and whichever company takes real money."""

from __future__ import annotations

from sqlalchemy import Engine

from orders.ports import PaymentProvider
from orders.settings import Settings, SettingsError


def make_provider(settings: Settings, engine: Engine) -> PaymentProvider:
    """The provider that the settings name. The test provider keeps its books in the engine's database."""
    if settings.payment_provider == "test":
        from orders.adapters.payments.test_provider import TestPaymentProvider

        return TestPaymentProvider(engine)
    raise SettingsError(f"CARTWRIGHT_PAYMENT_PROVIDER: no provider is called {settings.payment_provider!r}")
