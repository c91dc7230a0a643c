"""A TCP proxy that breaks connections on purpose: between the programs and PostgreSQL, and between them and AWS.

The kernel's own tool (tc netem) is not everywhere; a proxy works as any user and can do what netem cannot: let a
request through and lose the reply, which is the fault that makes people pay twice.

`python -m bench.chaos.proxy PORT TARGET_PORT` serves in a process of its own and takes modes from its standard input,
one a line: `delay 0.2`, `reset`, `pass`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CHUNK = 64 * 1024


class Mode(StrEnum):
    """What happens to connections while the mode is set."""

    PASS = "pass"  # noqa: S105 (no password: let it pass)
    """Nothing."""
    DELAY = "delay"
    """Every chunk, in both directions, waits `delay_seconds`."""
    RESET = "reset"
    """Open connections are reset and new ones are reset at once."""
    BLACKHOLE = "blackhole"
    """Bytes are taken and never forwarded, in both directions: the caller sees a time-out."""
    LOSE_REPLIES = "lose_replies"
    """Requests go through; the connection is reset when the reply comes."""


@dataclass
class FaultProxy:
    """Listens on 127.0.0.1:`port` (0 picks one) and forwards to 127.0.0.1:`target_port`.

    Runs in a thread of its own; `set_mode` may be called from any thread. Use as a context manager.
    """

    target_port: int
    port: int = 0
    mode: Mode = Mode.PASS
    delay_seconds: float = 0.2
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _ready: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> FaultProxy:
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.target_port}", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._soon(self._stop())
        self._thread.join(10)

    def set_mode(self, mode: Mode) -> None:
        """Change what happens from now on. RESET also hits the connections that are open."""
        self.mode = mode
        if mode is Mode.RESET:
            self._soon(self._reset_all())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            raise RuntimeError("the proxy is not running")
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=CHUNK)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        await self._reset_all()
        loop = asyncio.get_running_loop()
        for task in asyncio.all_tasks(loop):
            if task is not asyncio.current_task():
                task.cancel()
        loop.call_later(0.05, loop.stop)

    async def _reset_all(self) -> None:
        for writer in list(self._connections):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.RESET:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port, limit=CHUNK)
        except OSError:
            _reset(writer)
            return
        self._connections |= {writer, back}
        ways = [
            asyncio.create_task(self._forward(reader, back, is_reply=False)),
            asyncio.create_task(self._forward(there, writer, is_reply=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            return  # The proxy stops.
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, back):
                self._connections.discard(end)
                end.close()

    async def _forward(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_reply: bool
    ) -> None:
        try:
            while chunk := await source.read(CHUNK):
                if self.mode is Mode.LOSE_REPLIES and is_reply:
                    _reset(sink)
                    return
                while self.mode is Mode.BLACKHOLE:
                    await asyncio.sleep(0.05)
                if self.mode is Mode.DELAY:
                    await asyncio.sleep(self.delay_seconds)
                sink.write(chunk)
                await sink.drain()
        except OSError:
            return


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, as a crashed host or a middlebox does."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def main(port: int, target_port: int) -> None:
    """Serve until standard input ends; each line read is answered with the mode that is now set."""
    # Ctrl-C is for the run, which then closes our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with FaultProxy(target_port, port) as proxy:
        for line in sys.stdin:
            mode, _, seconds = line.strip().partition(" ")
            if seconds:
                proxy.delay_seconds = float(seconds)
            proxy.set_mode(Mode(mode))
            print(proxy.mode, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
