"""Payment providers behind the PaymentProvider port, and the one place that picks one by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orders.ports import PaymentProvider
from orders.settings import Settings, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def make_provider(settings: Settings, engine: Engine) -> PaymentProvider:
    """The provider that takes new payments. Raises SettingsError for a name that is not known."""
    if settings.payment_provider == "test":
        from orders.adapters.payments.test_provider import TestPaymentProvider

        return TestPaymentProvider(engine)
    raise SettingsError(f"CARTWRIGHT_PAYMENT_PROVIDER={settings.payment_provider} is not known; use test")
