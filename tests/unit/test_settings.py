"""The settings refuse what would be unsafe on a stage, and ask a program only for what it uses."""

from __future__ import annotations

import pytest

from orders.settings import Settings, SettingsError, require

PROD = {"CARTWRIGHT_STAGE": "prod"}


def test_a_program_of_prod_that_takes_payments_refuses_the_test_provider() -> None:
    """Neither by forgetting the setting nor by naming the test provider."""
    with pytest.raises(SettingsError, match="CARTWRIGHT_PAYMENT_PROVIDER"):
        require(Settings.from_environment(PROD), "payment_provider")
    with pytest.raises(SettingsError, match="takes no real money"):
        Settings.from_environment({**PROD, "CARTWRIGHT_PAYMENT_PROVIDER": "test"})
    require(Settings.from_environment({**PROD, "CARTWRIGHT_PAYMENT_PROVIDER": "stripe"}), "payment_provider")


def test_a_function_of_prod_that_takes_no_payments_need_not_know_a_provider() -> None:
    """get_order reads one table; its template names that and nothing else."""
    settings = Settings.from_environment({**PROD, "CARTWRIGHT_TRACKING_TABLE": "t"})
    require(settings, "tracking_table")


def test_a_trial_stage_may_take_test_payments() -> None:
    """By name or by default."""
    for given in ({}, {"CARTWRIGHT_PAYMENT_PROVIDER": "test"}):
        require(Settings.from_environment({"CARTWRIGHT_STAGE": "dev", **given}), "payment_provider")


def test_every_missing_setting_is_named_at_once() -> None:
    """One start, one list."""
    with pytest.raises(SettingsError, match="CARTWRIGHT_DATABASE_URL, CARTWRIGHT_PAYMENT_PROVIDER"):
        require(Settings.from_environment(PROD), "database_url", "payment_provider")


@pytest.mark.parametrize("name", ["Europe", "Mars/Olympus", "", "../etc/passwd"])
def test_a_time_zone_is_a_name_that_the_world_knows(name: str) -> None:
    """A typing mistake is told at the start, not by the first page that shows a time."""
    with pytest.raises(SettingsError, match="CARTWRIGHT_TIME_ZONE"):
        Settings.from_environment({"CARTWRIGHT_TIME_ZONE": name})
    assert str(Settings.from_environment({"CARTWRIGHT_TIME_ZONE": "Europe/Berlin"}).zone) == "Europe/Berlin"
