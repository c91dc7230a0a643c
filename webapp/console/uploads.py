"""Files that staff bring: text from an upload, or the same text carried along by the form of the dry run."""

from __future__ import annotations

from flask import request

from orders.domain.errors import InvalidRequest, Problem


def uploaded_text() -> str:
    """The text of the file. Raises InvalidRequest for none, and for one that is no UTF-8 text."""
    if "text" in request.form:
        return request.form["text"]
    given = request.files.get("file")
    raw = given.read() if given else b""
    if not raw:
        raise InvalidRequest([Problem("/file", "choose a file")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest([Problem("/file", "the file must be UTF-8 text")]) from None
