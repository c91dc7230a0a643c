"""Ctrl-C, SIGTERM and a lost terminal, turned into one exception that ends the run in order."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked the stack to stop. Not an Exception, so that no retry loop swallows it (like KeyboardInterrupt)."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


class StopSignals:
    """Raises StopRequested in the main thread at the first stopping signal; later ones call `on_repeat`.

    Used as a context manager. A SIGHUP that was ignored at start (`nohup make run &`) stays ignored.
    """

    def __init__(self, on_repeat: Callable[[int], None] = lambda number: None) -> None:
        self._on_repeat = on_repeat
        self._held = 0
        self._pending: int | None = None
        self._raised = False
        self._previous: dict[signal.Signals, object] = {}
        self._terminals = select.poll()

    def __enter__(self) -> StopSignals:
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        if signal.SIGHUP in self._previous:
            for descriptor in (0, 1, 2):
                if _is_terminal(descriptor):
                    self._terminals.register(descriptor, 0)  # Hang-ups are reported whatever is asked for.
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]

    def look_at_terminal(self) -> None:
        """Raise StopRequested when the terminal of this process was hung up. To be called now and then.

        SIGHUP goes to the leader of the session alone; where that is a `make` which waits for its child, the
        child hears nothing.
        """
        if not self._raised and self._terminals.poll(0):
            self._raise(signal.SIGHUP)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a stopping signal back: a child must not be born without being written down."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if not self._held and self._pending is not None and not self._raised:
            self._raise(self._pending)

    def finish(self) -> None:
        """From now on no signal raises: what ends here must end in order."""
        self._raised = True

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._raised:
            self._on_repeat(number)
        elif self._held:
            self._pending = number
        else:
            self._raise(number)

    def _raise(self, number: int) -> None:
        self._raised = True
        raise StopRequested(number)
