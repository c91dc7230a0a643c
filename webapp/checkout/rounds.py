"""The reconciler's rounds inside each web process: what a crash left in the middle is finished within seconds.

The timer (`flask checkout reconcile`) stays: it works while no web process does. A process of its own every few seconds
would cost more than the shop; a round here is one indexed query when there is nothing to do, and each checkout is leased.
"""

from __future__ import annotations

import logging
import random
import threading

from flask import Flask

from webapp.checkout.reconcile import reconcile
from webapp.wiring import wiring

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
AT_ONCE = 20
"""A round is short: the next one, here or in another process, takes up the rest."""


def start(app: Flask) -> threading.Event:
    """Begin the rounds in a thread (a greenlet under gunicorn); set the event to end them."""
    ended = threading.Event()
    threading.Thread(target=_rounds, args=(app, ended), name="checkout-rounds", daemon=True).start()
    return ended


def _rounds(app: Flask, ended: threading.Event) -> None:
    # Not in step: the processes of all hosts would otherwise ask in the same moment after a deploy.
    while not ended.wait(ROUND_SECONDS * random.uniform(0.8, 1.2)):  # noqa: S311
        once(app)


def once(app: Flask) -> None:
    """One round. A store that is away is asked again at the next."""
    try:
        with app.app_context():
            reconcile(wiring(), AT_ONCE)
    except Exception:
        log.exception("checkout_round_failed")
