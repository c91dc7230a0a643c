"""Static files under names that carry their content's hash: a browser keeps them for ever, a new release has new names."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request, send_file
from werkzeug.security import safe_join

bp = Blueprint("assets", __name__)

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_WHILE = "public, max-age=300"
_HASHED = re.compile(r"^(.+)\.([0-9a-f]{12})(\.[a-z0-9]+)$")
_CSS_URL = re.compile(r'url\("(\.\./[^"]+)"\)')
_TEXT_TYPES = frozenset({".css", ".js", ".svg", ".json", ".txt", ".webmanifest"})

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/manifest+json", ".webmanifest")


@cache
def hashed_name(name: str) -> str:
    """`css/shop.css` as `css/shop.3f2a9c1b77aa.css`; a file that is missing keeps its name and answers 404."""
    path = STATIC / name
    if not path.is_file():
        return name
    digest = hashlib.sha256(content(name)).hexdigest()[:12]
    return f"{path.with_suffix('').relative_to(STATIC).as_posix()}.{digest}{path.suffix}"


@cache
def content(name: str) -> bytes:
    """What is served under a name: the file, and in a stylesheet every `url()` by its hashed name."""
    path = STATIC / name
    if path.suffix != ".css":
        return path.read_bytes()

    def renamed(match: re.Match[str]) -> str:
        target = (path.parent / match[1]).resolve().relative_to(STATIC.resolve()).as_posix()
        return f'url("/static/{hashed_name(target)}")'

    return _CSS_URL.sub(renamed, path.read_text(encoding="utf-8")).encode()


def asset(name: str) -> str:
    """The URL of a static file. The files of a release do not change, so a process works each name out once."""
    return f"/static/{hashed_name(name)}"


@cache
def _zipped(name: str) -> bytes:
    return gzip.compress(content(name), compresslevel=9, mtime=0)


@bp.get("/static/<path:name>")
def static_file(name: str) -> Response:
    """One static file, by its hashed or its plain name."""
    match = _HASHED.match(name)
    plain = f"{match[1]}{match[3]}" if match else name
    joined = safe_join(str(STATIC), plain)
    if joined is None or not Path(joined).is_file():
        abort(404)
    path = Path(joined)
    is_text = path.suffix in _TEXT_TYPES
    is_named_by_content = match is not None and hashed_name(plain) == name
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if is_text:
        is_zipped = bool(request.accept_encodings["gzip"])
        response = Response(_zipped(plain) if is_zipped else content(plain), mimetype=kind)
        if is_zipped:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(hashed_name(plain) + ("-gzip" if is_zipped else ""))
        response.make_conditional(request)
        response.vary.add("Accept-Encoding")
    else:
        response = send_file(path, mimetype=kind, etag=hashed_name(plain), conditional=True)
    response.headers["Cache-Control"] = FOR_EVER if is_named_by_content else FOR_A_WHILE
    return response


@bp.get("/favicon.ico")
def favicon() -> Response:
    """Browsers ask for it by this name whatever the page says."""
    return static_file("brand/mark.svg")


def register_assets(app: Flask) -> None:
    """Serve the static files and let templates name them."""
    app.register_blueprint(bp)
    app.jinja_env.globals["asset"] = asset
