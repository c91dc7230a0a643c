"""The in-box as a person and as a test uses it."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from local.child import Child
from local.inbox import create_app
from local.mailbox import KEPT, Mailbox
from local.ports import accepts, any_free
from local.postmark import MESSAGES_FILE
from local.supervisor import Supervisor

REPOSITORY = Path(__file__).resolve().parents[3]


def deliver(folder: Path, number: int, **changes: object) -> None:
    """One more message, as the local AWS writes it."""
    message = {
        "at": f"2026-11-22T10:00:{number % 60:02}.000+00:00",
        "id": f"m{number}",
        "channel": "email",
        "from": "shop@cartwright.example",
        "to": ["ada@example.com"],
        "subject": f"Order {number}",
        "text": "Thank you.",
        "html": "<p>Thank you.</p><script>alert(1)</script>",
        "headers": {"X-Correlation-Id": f"c{number}"},
        "tags": {"order_id": f"o{number}"},
    }
    with (folder / MESSAGES_FILE).open("a", encoding="utf-8") as out:
        out.write(json.dumps({**message, **changes}) + "\n")


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(tmp_path, "http://127.0.0.1:8000").test_client()


def get(client: FlaskClient, path: str) -> str:
    reply = client.get(path, headers={"Host": "127.0.0.1"})
    assert reply.status_code == 200, path
    return reply.get_data(as_text=True)


def test_an_empty_inbox_says_what_to_do(client: FlaskClient) -> None:
    """A newcomer learns how to get the first message, with a way to the shop."""
    page = get(client, "/")
    assert "No post yet" in page
    assert 'href="http://127.0.0.1:8000"' in page


def test_the_newest_message_is_on_top(client: FlaskClient, tmp_path: Path) -> None:
    """The list reads downwards into the past, and shows what arrived since the last look."""
    deliver(tmp_path, 1)
    get(client, "/")
    deliver(tmp_path, 2)
    page = get(client, "/")
    assert page.index("Order 2") < page.index("Order 1")


def test_messages_are_found_by_recipient_order_and_correlation_id(
    client: FlaskClient, tmp_path: Path
) -> None:
    """The three ways in which a person or a test looks for a message."""
    deliver(tmp_path, 1)
    deliver(
        tmp_path,
        2,
        to=["+491701234567"],
        channel="sms",
        subject="",
        html="",
        tags={},
        text="o2 is on its way",
    )
    for query, expected in (
        ("to=ada", ["m1"]),
        ("to=%2B4917", ["m2"]),
        ("order_id=o1", ["m1"]),
        ("order_id=o2", ["m2"]),
        ("correlation_id=c2", ["m2"]),
        ("channel=sms", ["m2"]),
        ("to=nobody", []),
        ("", ["m2", "m1"]),
    ):
        found = json.loads(get(client, f"/messages.json?{query}"))["messages"]
        assert [message["id"] for message in found] == expected, query


def test_a_message_shows_text_headers_and_its_html_in_a_cage(client: FlaskClient, tmp_path: Path) -> None:
    """The HTML of a mail runs no script and reaches nothing: sandboxed by the frame and by its own policy."""
    deliver(tmp_path, 1)
    page = get(client, "/messages/m1")
    assert "X-Correlation-Id" in page
    assert "<script>alert" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    framed = client.get("/messages/m1/html", headers={"Host": "127.0.0.1"})
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    assert "allow-scripts" not in framed.headers["Content-Security-Policy"]


def test_html_in_a_subject_is_text(client: FlaskClient, tmp_path: Path) -> None:
    """A product or a name may hold anything."""
    deliver(tmp_path, 1, subject="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in get(client, "/")


def test_an_unknown_message_is_a_404(client: FlaskClient) -> None:
    """A link into an in-box that was emptied."""
    assert client.get("/messages/none", headers={"Host": "127.0.0.1"}).status_code == 404


def test_a_page_on_the_internet_cannot_read_it_through_a_name_of_its_own(client: FlaskClient) -> None:
    """DNS rebinding: a foreign host name that resolves to 127.0.0.1 is refused."""
    assert client.get("/messages.json", headers={"Host": "evil.example"}).status_code == 400


def test_a_half_written_line_waits_and_a_broken_one_is_skipped(tmp_path: Path) -> None:
    """The writer may be at it, or was killed in the middle of a line."""
    deliver(tmp_path, 1)
    file = tmp_path / MESSAGES_FILE
    whole = file.read_text()
    mailbox = Mailbox(file)
    with file.open("a") as out:
        out.write('{"id": "broken"\n' + whole[:40])
    assert [mail.id for mail in mailbox.mails()] == ["m1"]
    with file.open("a") as out:
        out.write(whole[40:].replace("m1", "m9"))
    assert [mail.id for mail in mailbox.mails()] == ["m9", "m1"]


def test_only_the_newest_messages_are_kept_over_a_restart(tmp_path: Path) -> None:
    """A load test must not fill the disk or the memory for ever."""
    for number in range(KEPT + 5):
        deliver(tmp_path, number)
    mails = Mailbox(tmp_path / MESSAGES_FILE).mails()
    assert len(mails) == KEPT
    assert mails[-1].id == "m5"
    assert len((tmp_path / MESSAGES_FILE).read_bytes().splitlines()) == KEPT


def test_the_process_serves_what_was_there_before_it_started(tmp_path: Path) -> None:
    """`python -m local.inbox` after a restart shows yesterday's messages."""
    deliver(tmp_path, 1)
    port = any_free()
    supervisor = Supervisor(say=print)
    command = [sys.executable, "-m", "local.inbox", "--port", str(port), "--folder", str(tmp_path)]
    supervisor.start(
        Child(
            name="inbox",
            title="the in-box",
            command=command,
            directory=REPOSITORY,
            log=tmp_path / "inbox.log",
            environment=dict(os.environ),
            is_ready=lambda: accepts(port),
        )
    )
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/messages.json", timeout=10) as reply:
            assert json.load(reply)["count"] == 1
    finally:
        supervisor.stop_all()
