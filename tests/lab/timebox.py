"""A run of the lab may be given so many seconds and no more: CI must end, however crowded its computer is.

What takes longer than that has shown nothing: neither that the product works, nor that it does not. So the end of the
time is no failure, and the last words of the run say what it did not come to.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

VARIABLE = "CARTWRIGHT_LAB_SECONDS"
OUT_OF_TIME = pytest.StashKey[str]()


@contextmanager
def bounded(session: pytest.Session) -> Iterator[threading.Timer | None]:
    """End the session when its time is up, if it has any bound; all that it has set up is torn down then.

    The block may cancel the timer that it is given: taking the lab down takes as long as it takes.
    """
    allowed = float(os.environ.get(VARIABLE) or 0)
    if not allowed:
        yield None
        return

    def close(*_: object) -> None:
        load = " ".join(f"{number:.0f}" for number in os.getloadavg())
        reason = f"after {allowed:.0f} s it was not at its end (load of this computer: {load})"
        session.config.stash[OUT_OF_TIME] = reason
        pytest.exit(reason, returncode=int(session.testsfailed > 0))

    # The signal finds the main thread wherever it waits; pytest's own timeouts have SIGALRM.
    before = signal.signal(signal.SIGUSR1, close)
    timer = threading.Timer(allowed, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    timer.daemon = True
    timer.start()
    try:
        yield timer
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGUSR1, before)
