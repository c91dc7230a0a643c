"""The in-box: a page on the laptop that shows every e-mail and text message the shop has sent."""

from __future__ import annotations

import argparse
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.serving import make_server

from local.mailbox import Mail, Mailbox
from local.ports import LOOPBACK
from local.postmark import MESSAGES_FILE

SHOWN = 200

# The message is somebody's HTML: no script, no form, no plug-in; pictures and the mail's own styles only.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
PAGE_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src 'self' data:"


def create_app(folder: Path, shop_url: str = "") -> Flask:
    """The in-box over one folder of messages."""
    app = Flask(__name__, template_folder="templates", static_folder="static")
    # A page on the internet must not reach it through a name that resolves to 127.0.0.1.
    app.config["TRUSTED_HOSTS"] = [LOOPBACK, "localhost", "[::1]"]
    mailbox = Mailbox(folder / MESSAGES_FILE)

    @app.get("/")
    def messages() -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("to", "channel", "order_id")}
        found = mailbox.mails(**chosen)
        return render_template(
            "inbox/list.html",
            mails=found[:SHOWN],
            count=len(found),
            recipients=mailbox.recipients()[:SHOWN],
            chosen=chosen,
            shop_url=shop_url,
            is_filtered=any(chosen.values()),
        )

    @app.get("/messages/<mail_id>")
    def message(mail_id: str) -> str:
        return render_template("inbox/message.html", mail=_known(mailbox, mail_id), shop_url=shop_url)

    @app.get("/messages/<mail_id>/html")
    def message_html(mail_id: str) -> Response:
        mail = _known(mailbox, mail_id)
        # Links open beside the in-box, not inside its frame.
        page = Response('<base target="_blank">' + mail.html, mimetype="text/html")
        page.headers["Content-Security-Policy"] = MAIL_POLICY
        return page

    @app.get("/messages.json")
    def messages_json() -> Response:
        names = ("to", "order_id", "correlation_id", "channel")
        found = mailbox.mails(**{name: request.args.get(name, "").strip() for name in names})
        return jsonify(messages=[mail.as_json() for mail in found[:SHOWN]], count=len(found))

    @app.get("/newest")
    def newest() -> Response:
        """The id of the newest message: the page asks, and shows the list anew when it changed."""
        mails = mailbox.mails()
        return jsonify(id=mails[0].id if mails else None)

    @app.get("/healthz")
    def health() -> Response:
        return jsonify(status="ok")

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    app.add_template_filter(_ago, "ago")
    app.add_template_filter(_local_time, "local_time")
    return app


def _known(mailbox: Mailbox, mail_id: str) -> Mail:
    return mailbox.find(mail_id) or abort(404)


def _ago(at: datetime) -> str:
    seconds = (datetime.now(UTC) - at).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    return f"{at.astimezone():%H:%M}" if seconds < 86_400 else f"{at.astimezone():%d %b, %H:%M}"


def _local_time(at: datetime) -> str:
    return f"{at.astimezone():%A, %d %B %Y, %H:%M:%S}"


def main() -> None:
    """Serve on the loopback address until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.inbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(arguments.folder, os.environ.get("CARTWRIGHT_PUBLIC_URL", ""))
    make_server(LOOPBACK, arguments.port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
