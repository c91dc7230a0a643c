"""What a Lambda container builds once and keeps: settings, logging, clients. Nothing of it happens at import."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orders import failpoints
from orders.adapters.clock import SystemClock
from orders.observability import configure_logging
from orders.ports import Clock, InventoryStore, Notifier, OrderQueue, TrackingStore
from orders.settings import Settings, require


@dataclass(frozen=True)
class Runtime:
    """The adapters of one container, each made on first use: a function pays only for what it needs."""

    settings: Settings
    clock: Clock

    @cached_property
    def _dynamodb(self) -> Any:
        from orders.adapters.aws import make_client

        return make_client("dynamodb", self.settings)

    @cached_property
    def inventory(self) -> InventoryStore:
        """Stock and reservations."""
        from orders.adapters.dynamodb.inventory import DynamoInventory

        return DynamoInventory(self._dynamodb, self.settings, self.clock)

    @cached_property
    def tracking(self) -> TrackingStore:
        """Tracking views and the ledger of notifications."""
        from orders.adapters.dynamodb.tracking import DynamoTracking

        return DynamoTracking(self._dynamodb, self.settings)

    @cached_property
    def queue(self) -> OrderQueue:
        """The sending side of the queues."""
        from orders.adapters.aws import make_client
        from orders.adapters.sqs import SqsOrders

        return SqsOrders(make_client("sqs", self.settings), self.settings)

    @cached_property
    def notifier(self) -> Notifier:
        """E-mail and text messages, one attempt per call."""
        from orders.adapters.aws import ONE_ATTEMPT, make_client
        from orders.adapters.ses import SesNotifier

        return SesNotifier(
            make_client("sesv2", self.settings),
            make_client("sns", self.settings, ONE_ATTEMPT),
            self.settings,
        )


_built: dict[str, Runtime] = {}


def runtime(program: str, *needs: str) -> Runtime:
    """The container's runtime, built at the first call. Raises SettingsError naming what is not set."""
    if program not in _built:
        settings = Settings.from_environment(os.environ)
        require(settings, *needs)
        # The runtime's own handler prints nothing at INFO: the root logger must write to stdout itself.
        configure_logging(program, log_format=settings.log_format, level=settings.log_level)
        failpoints.configure(settings.failpoint)
        _built[program] = Runtime(settings, SystemClock())
    return _built[program]


def before_snapshot(prepare: Callable[[], object]) -> None:
    """Have `prepare` run before SnapStart freezes the container, so that a restored one starts with its clients made.

    Does nothing where there is no SnapStart. Nothing unique may be made in `prepare`: every restored copy shares it.
    """
    try:
        snapshots = importlib.import_module("snapshot_restore_py")
    except ModuleNotFoundError:
        return
    snapshots.register_before_snapshot(prepare)
