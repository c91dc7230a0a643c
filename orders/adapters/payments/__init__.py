"""Payment providers behind one port: the embedded test provider, and Stripe, which takes real money."""

from __future__ import annotations

from sqlalchemy import Engine

from orders.ports import PaymentProvider
from orders.settings import Settings, SettingsError


def make_provider(settings: Settings, engine: Engine | None) -> PaymentProvider:
    """The provider that the settings name. The test provider keeps its books in the engine's database.

    Raises SettingsError for an unknown name, and for Stripe without its key or in a currency that it counts otherwise.
    """
    if settings.payment_provider == "test" and engine is not None:
        from orders.adapters.payments.test_provider import TestPaymentProvider

        return TestPaymentProvider(engine)
    if settings.payment_provider == "stripe":
        from orders.adapters.payments.stripe_provider import COUNTED_OTHERWISE, StripeProvider

        if not settings.stripe_secret_key:
            raise SettingsError("set CARTWRIGHT_STRIPE_SECRET_KEY: without it Stripe takes no money")
        if settings.currency in COUNTED_OTHERWISE:
            raise SettingsError(f"CARTWRIGHT_CURRENCY: Stripe counts {settings.currency} in another unit")
        return StripeProvider(settings.stripe_secret_key, settings.stripe_api_base)
    raise SettingsError(f"CARTWRIGHT_PAYMENT_PROVIDER: no provider is called {settings.payment_provider!r}")
