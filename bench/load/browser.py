"""A small browser for load: cookies, forms, redirects on one kept-alive connection, and nothing that costs CPU."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

from bench.load.connection import Connection

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S | re.I)
_INPUT = re.compile(r"<(input|select|textarea|button)\b([^>]*)>", re.I)
_OPTION = re.compile(r"<option\b([^>]*)>", re.I)
_SELECTED = re.compile(r"<option\b([^>]*\sselected\b[^>]*)>", re.I)
_ATTRIBUTE = re.compile(r'([a-zA-Z_:-]+)(?:\s*=\s*(?:"([^"]*)"|\'([^\']*)\'|([^\s"\'>]+)))?')
_LINK = re.compile(r'href="([^"#]+)"')
MAX_REDIRECTS = 5


def attributes(text: str) -> dict[str, str]:
    """The attributes of a tag."""
    return {
        match[1].lower(): unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(text)
    }


@dataclass(slots=True)
class Form:
    """A form as the page has it: where it goes and what it would send untouched."""

    action: str
    method: str
    fields: dict[str, str]


@dataclass(slots=True)
class Page:
    """One answer."""

    url: str
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    def forms(self, is_wanted: Callable[[str], bool] = lambda _action: True) -> Iterator[Form]:
        """The forms whose action is wanted, with the values that their controls have; the others are not read."""
        for match in _FORM.finditer(self.text):
            about = attributes(match[1])
            action = about.get("action") or self.url
            if is_wanted(action):
                yield Form(action, about.get("method", "get").lower(), _values(match[2]))

    def form(self, action_part: str) -> Form:
        """The first form whose action contains a text. Raises LookupError with what there was."""
        for form in self.forms(lambda action: action_part in action):
            return form
        raise LookupError(f"no form for {action_part} on {self.url} ({self.status})")

    def links(self, part: str) -> list[str]:
        """The links that contain a text, without repeats."""
        return list(dict.fromkeys(unescape(link) for link in _LINK.findall(self.text) if part in link))


def _values(inner: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for tag in _INPUT.finditer(inner):
        about = attributes(tag[2])
        name, kind = about.get("name"), about.get("type", "text").lower()
        if not name or kind in {"submit", "button"} or tag[1].lower() == "button":
            continue
        if kind in {"radio", "checkbox"} and "checked" not in about:
            continue
        if tag[1].lower() == "select":
            inside = inner[tag.end() : inner.find("</select>", tag.end())]
            # Of two hundred countries one is chosen: only that one is read.
            option = _SELECTED.search(inside) or _OPTION.search(inside)
            chosen = attributes(option[1]) if option else {}
            values[name] = chosen.get("value", "")
        else:
            values[name] = about.get("value", "on" if kind == "checkbox" else "")
    return values


class Browser:
    """One shopper's browser. Not thread-safe; one per greenlet."""

    def __init__(self, base_url: str, address: str = "", timeout_seconds: float = 20.0) -> None:
        """`address` is sent as X-Forwarded-For, so that a shop behind a trusted proxy sees many visitors."""
        self._base = base_url
        self._address = address
        parts = urlsplit(base_url)
        self._connection = Connection(parts.hostname or "", parts.port or 80, timeout_seconds)
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Page:
        """Fetch a page, following redirects."""
        return self._request("GET", path)

    def submit(self, form: Form, **changes: str) -> Page:
        """Send a form with some fields changed, following redirects."""
        body = urlencode({**form.fields, **changes})
        if form.method == "get":
            return self._request("GET", f"{form.action}?{body}")
        return self._request("POST", form.action, body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _request(self, method: str, target: str, body: str | None = None) -> Page:
        url = urljoin(self._base, target)
        for _ in range(MAX_REDIRECTS):
            page = self._once(method, url, body)
            location = page.headers.get("location")
            if page.status not in {301, 302, 303, 307, 308} or not location:
                return page
            url = urljoin(url, location)
            if page.status in {301, 302, 303}:
                method, body = "GET", None
        raise http.client.HTTPException(f"more than {MAX_REDIRECTS} redirects from {target}")

    def _once(self, method: str, url: str, body: str | None) -> Page:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = ["Accept: text/html"]
        if self._cookies:
            headers.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if self._address:
            headers.append(f"X-Forwarded-For: {self._address}")
        if body is not None:
            headers += [
                "Content-Type: application/x-www-form-urlencoded",
                f"Referer: {url}",
                f"Origin: {self._base}",
            ]
        answer = self._connection.ask(
            method, path or "/", headers, body.encode() if body is not None else b""
        )
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip().strip('"')
        return Page(url, answer.status, answer.body.decode("utf-8", "replace"), answer.headers)
