"""One kept-alive HTTP/1.1 connection for load: what http.client does, for a fifth of its processor time.

The standard library parses an answer's headers as an e-mail's: of every order's 12 answers that was the dearest part.
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass, field
from io import BufferedReader
from typing import cast

LONGEST_LINE = 65_536
READ_BYTES = 65_536
"""At once: a page is larger than the 8 KB that a file object reads, and each read is a turn of the event loop."""


@dataclass(slots=True)
class Answer:
    """One answer. The names of `headers` are in lower case; repeated ones keep the last, but for cookies."""

    status: int
    headers: dict[str, str]
    cookies: list[str] = field(default_factory=list)
    body: bytes = b""


class Connection:
    """Not thread-safe. Opens itself when asked, and anew after the server closed it."""

    def __init__(self, host: str, port: int, timeout_seconds: float) -> None:
        self._host, self._port, self._timeout_seconds = host, port, timeout_seconds
        self._socket: socket.socket | None = None
        self._reader: BufferedReader | None = None

    def ask(self, method: str, path: str, headers: list[str], body: bytes = b"") -> Answer:
        """Send a request and read its answer. Raises OSError or HTTPException; the connection is closed then."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", *headers]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        try:
            connection, reader = self._opened()
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            answer = _read(reader)
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        except ValueError as error:
            self.close()
            raise http.client.BadStatusLine(str(error)) from error
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection; asking opens another."""
        for part in (self._reader, self._socket):
            if part is not None:
                part.close()
        self._reader = self._socket = None

    def _opened(self) -> tuple[socket.socket, BufferedReader]:
        if self._socket is None or self._reader is None:
            self._socket = socket.create_connection((self._host, self._port), self._timeout_seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = cast(BufferedReader, self._socket.makefile("rb", READ_BYTES))
        return self._socket, self._reader


def _read(reader: BufferedReader) -> Answer:
    first = reader.readline(LONGEST_LINE)
    if not first.startswith(b"HTTP/1."):
        # An empty line: the server closed a connection that it had kept.
        raise (
            http.client.RemoteDisconnected("no answer")
            if not first
            else http.client.BadStatusLine(repr(first))
        )
    answer = Answer(int(first.split(None, 2)[1]), {})
    while line := reader.readline(LONGEST_LINE).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if name == "set-cookie":
            answer.cookies.append(value)
        else:
            answer.headers[name] = value
    answer.body = _body(reader, answer)
    return answer


def _body(reader: BufferedReader, answer: Answer) -> bytes:
    if answer.status in {204, 304}:
        return b""
    if answer.headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(reader)
    if (length := answer.headers.get("content-length")) is None:
        answer.headers["connection"] = "close"
        return reader.read()
    body = reader.read(int(length))
    if len(body) < int(length):
        raise http.client.IncompleteRead(body, int(length) - len(body))
    return body


def _chunks(reader: BufferedReader) -> bytes:
    parts = []
    while size := int(reader.readline(LONGEST_LINE).split(b";")[0], 16):
        parts.append(reader.read(size))
        reader.readline(LONGEST_LINE)
    while reader.readline(LONGEST_LINE).strip():
        continue
    return b"".join(parts)
