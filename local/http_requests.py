"""HTTP/1.1 requests out of a stream of bytes: whole ones, one after the other (RFC 9112)."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST_HEAD = 65_536
"""Bytes of a request line with its headers; botocore's are a kilobyte."""


class BadRequest(Exception):
    """What came is no request that this server understands."""


@dataclass(slots=True)
class Request:
    """One request. Header names are in lower case."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    is_kept_alive: bool
    body: bytes = b""


@dataclass(slots=True)
class Requests:
    """Takes bytes as they come and gives requests once they are whole."""

    _buffer: bytearray = field(default_factory=bytearray)
    _head: Request | None = None
    _length: int | None = 0
    """Bytes of the body that is waited for; None: it comes in chunks."""
    _chunks: list[bytes] = field(default_factory=list)
    _is_continue_wanted: bool = False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def next(self) -> Request | None:
        """The next request, or None while a part of it is missing. Raises BadRequest."""
        if self._head is None and not self._read_head():
            return None
        body = self._read_body()
        if body is None:
            return None
        request, self._head, self._is_continue_wanted = self._head, None, False
        assert request is not None  # noqa: S101  (read above)
        request.body = body
        return request

    def wants_continue(self) -> bool:
        """Whether the client waits for a word before it sends the body (RFC 9110, section 10.1.1); true once."""
        is_wanted, self._is_continue_wanted = self._is_continue_wanted, False
        return is_wanted

    def _read_head(self) -> bool:
        # A client may end a body with a line too many.
        while self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > LONGEST_HEAD:
            if len(self._buffer) > LONGEST_HEAD:
                raise BadRequest("its head does not end")
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        headers = [_header(line) for line in lines]
        given = dict(headers)
        method, target, version = _first_line(first)
        self._length = _length(given)
        self._chunks = []
        self._is_continue_wanted = given.get(b"expect", b"").lower() == b"100-continue"
        connection = given.get(b"connection", b"").lower()
        is_kept_alive = connection != b"close" if version == b"HTTP/1.1" else connection == b"keep-alive"
        self._head = Request(method, target, headers, is_kept_alive)
        return True

    def _read_body(self) -> bytes | None:
        if self._length is None:
            return self._read_chunks()
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        return body

    def _read_chunks(self) -> bytes | None:
        while (line_end := self._buffer.find(b"\r\n")) >= 0:
            size = _chunk_size(bytes(self._buffer[:line_end]))
            if size == 0:
                return self._read_trailer(line_end)
            begin, end = line_end + 2, line_end + 2 + size
            if len(self._buffer) < end + 2:
                return None
            if self._buffer[end : end + 2] != b"\r\n":
                raise BadRequest("a chunk is longer than it says")
            self._chunks.append(bytes(self._buffer[begin:end]))
            del self._buffer[: end + 2]
        return None

    def _read_trailer(self, line_end: int) -> bytes | None:
        """What follows the last chunk: trailers, which nobody here looks at, and an empty line."""
        if self._buffer[line_end + 2 : line_end + 4] == b"\r\n":
            end = line_end
        elif (end := self._buffer.find(b"\r\n\r\n", line_end)) < 0:
            return None
        del self._buffer[: end + 4]
        return b"".join(self._chunks)


def _first_line(line: bytes) -> tuple[str, bytes, bytes]:
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1.") or not parts[1].isascii():
        raise BadRequest(f"{line[:80]!r}")
    return parts[0].decode("latin-1").upper(), parts[1], parts[2]


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not name or name != name.strip():
        raise BadRequest(f"{line[:80]!r}")
    return name.lower(), value.strip()


def _length(headers: dict[bytes, bytes]) -> int | None:
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked" or b"content-length" in headers:
            raise BadRequest("its length is told in two ways, or in one that is unknown")
        return None
    given = headers.get(b"content-length", b"0")
    if not given.isdigit():
        raise BadRequest(f"content-length {given[:20]!r}")
    return int(given)


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";")[0], 16)
    except ValueError as error:
        raise BadRequest(f"chunk {line[:20]!r}") from error
