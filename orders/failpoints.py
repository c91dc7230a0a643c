"""Planted faults at every write, so that a test can kill a program exactly there.

CARTWRIGHT_FAILPOINT=after_commit:crash kills the process at that point as SIGKILL would; `error` raises Unavailable;
`delay=250` waits that many milliseconds; `@3` acts on the third pass only. Each name is registered here, so that a
test can walk through all of them and a typing error is refused.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass

from orders.domain.errors import Unavailable

NAMES = frozenset(
    {
        # Lambda submit_order
        "submit.before_reserve",
        "submit.after_reserve",
        "submit.after_send",
        "submit.after_mark_sent",
        # Lambda sweep
        "sweep.after_send",
        "sweep.after_expire",
        # worker
        "worker.after_receive",
        "worker.before_commit",
        "worker.after_commit",
        "worker.after_delete",
        # capture and the other provider calls
        "payment.after_attempt",
        "payment.after_call",
        "payment.after_commit",
        # outbox
        "outbox.after_claim",
        "outbox.after_tracking",
        "outbox.after_stock",
        "outbox.after_event",
        "outbox.after_job",
        "outbox.before_done",
        # notifier
        "notify.after_claim",
        "notify.after_send",
        # checkout
        "checkout.after_attempt",
        "checkout.after_authorise",
        "checkout.after_submit",
    }
)


@dataclass
class _Fault:
    action: str
    on_pass: int
    passes: int = 0


_faults: dict[str, _Fault] = {}


def configure(text: str) -> None:
    """Arm the faults of the setting `failpoint`; an empty text disarms all. Raises ValueError for an unknown name."""
    _faults.clear()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, action = part.partition(":")
        action, _, on_pass = action.partition("@")
        if name not in NAMES:
            raise ValueError(f"no failpoint is called {name!r}; there are: {', '.join(sorted(NAMES))}")
        if action not in {"crash", "error"} and not action.startswith("delay="):
            raise ValueError(f"{part!r}: the action is crash, error or delay=MILLISECONDS")
        _faults[name] = _Fault(action, int(on_pass or 0))


def failpoint(name: str) -> None:
    """Pass a labelled step. Does nothing unless a fault is armed for it."""
    if not _faults:
        return
    fault = _faults.get(name)
    if fault is None:
        return
    fault.passes += 1
    if fault.on_pass and fault.passes != fault.on_pass:
        return
    print(f"failpoint {name}: {fault.action}", file=sys.stderr, flush=True)  # noqa: T201
    if fault.action == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.action == "error":
        raise Unavailable(f"planted fault at {name}")
    else:
        time.sleep(int(fault.action.removeprefix("delay=")) / 1000)
