"""Whose message is it? The leases of everything in hand, kept alive by the heartbeat and asked before each commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

from orders.domain.errors import CartwrightError
from orders.failpoints import failpoint
from orders.ports import OrderBook, OrderTransaction
from worker.delivery import Delivery

_serving: ContextVar[Sequence[Delivery]] = ContextVar("serving", default=())


@contextmanager
def serving(deliveries: Sequence[Delivery]) -> Iterator[None]:
    """The messages that the present thread works for."""
    token = _serving.set(deliveries)
    try:
        yield
    finally:
        _serving.reset(token)


def check_leases() -> None:
    """Raise LeaseLost when a message that the present thread works for belongs to somebody else by now."""
    now = monotonic()
    for delivery in _serving.get():
        delivery.check(now)


class DoneBefore(CartwrightError):
    """The effect that the job is for is in the book: there is nothing left to do."""

    code = "done_before"


def _claim_effects(tx: OrderTransaction) -> None:
    """Enter a job that is `idempotent_by` something in the inbox, with its effect in one transaction. Raises DoneBefore."""
    for delivery in _serving.get():
        message = delivery.message
        if delivery.job.idempotent_by and not tx.accept_messages([message.id], message.job):
            raise DoneBefore(f"{message.id} was done before")


class FencedBook:
    """An OrderBook that commits only while the messages behind it are ours (row W6).

    The inbox row is what makes an effect happen once; the fence keeps a worker that was stopped for a minute and then
    woke up from even trying.
    """

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    @contextmanager
    def transaction(self) -> Iterator[OrderTransaction]:
        """See ports.OrderBook. Raises LeaseLost instead of committing for a message that is lost."""
        with self._book.transaction() as tx:
            _claim_effects(tx)
            yield tx
            check_leases()
            failpoint("worker.before_commit")
        failpoint("worker.after_commit")

    def ping(self) -> None:
        """See ports.OrderBook."""
        self._book.ping()


class Leases:
    """Everything in hand: received, and neither deleted nor handed back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[int, Delivery] = {}

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """These were received."""
        with self._lock:
            self._held.update((id(delivery), delivery) for delivery in deliveries)

    def remove(self, deliveries: Sequence[Delivery]) -> None:
        """These are deleted or handed back."""
        with self._lock:
            for delivery in deliveries:
                self._held.pop(id(delivery), None)

    def all(self) -> list[Delivery]:
        """Everything that is held now."""
        with self._lock:
            return list(self._held.values())
