"""Letters about accounts: written in the transaction that they are about, sent after the answer, linked once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from flask import after_this_request, current_app, g, render_template
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from orders.domain.errors import CartwrightError, NotFound, OutcomeUnknown
from orders.domain.ids import uuid7
from orders.links import keys_of
from orders.observability import correlation_id
from orders.ports import EmailMessage
from webapp.account.letter_words import WORDS
from webapp.account.models import Letter, LetterKind
from webapp.account.wiring import account_wiring
from webapp.extensions import db
from webapp.formats import called
from webapp.languages import Language, current_language, languages, speaking
from webapp.wiring import wiring

log = logging.getLogger(__name__)

_LANGUAGE = "language"
"""Under this name a letter's data keep the code of its language."""
MOST_ATTEMPTS = 6
RETRY_AFTER = timedelta(seconds=30)
"""How old an unsent letter is before `send_unsent` takes it: its own request has had its chance by then."""
RETRY_UNTIL = timedelta(hours=1)
"""Later a letter is of no use any more."""


def post(kind: LetterKind, to: str, *, name: str = "", customer_id: str | None = None, **data: str) -> None:
    """Write a letter; it is sent once the caller has committed and the answer is on its way, in the page's language.

    Earlier unused links of the same kind to the same address stop working. `data` is what the words or the link need.
    """
    now = wiring().clock.now()
    db.session.execute(
        update(Letter)
        .where(Letter.kind == kind, Letter.email == to, Letter.used_at.is_(None))
        .values(used_at=now)
    )
    letter = Letter(
        id=UUID(uuid7(now)),
        kind=kind,
        email=to,
        name=name,
        customer_id=customer_id,
        data={_LANGUAGE: current_language().code, **data},
        created_at=now,
        expires_at=now + WORDS[kind].good_for,
    )
    db.session.add(letter)
    if "letters" not in g:
        g.letters = []
        after_this_request(_send_when_answered)
    g.letters.append(letter.id)


def open_letter(
    token: str, kinds: Collection[LetterKind] = tuple(LetterKind), *, lock: bool = False
) -> Letter:
    """The letter behind a link. Raises NotFound when it was used, withdrawn, has expired or never was."""
    try:
        letter_id = UUID(_serializer().loads(token))
    except (BadSignature, ValueError, TypeError, AttributeError):
        raise NotFound("no such link") from None
    statement = select(Letter).where(
        Letter.id == letter_id,
        Letter.kind.in_(kinds),
        Letter.used_at.is_(None),
        Letter.expires_at > wiring().clock.now(),
    )
    if lock:
        statement = statement.with_for_update(of=Letter).execution_options(populate_existing=True)
    found = db.session.scalar(statement)
    if found is None or WORDS[LetterKind(found.kind)].target != "link":
        raise NotFound("this link was used or has expired")
    return found


def withdraw(customer_id: str, *kinds: LetterKind) -> None:
    """Make the unused links of these kinds stop working. The caller commits."""
    db.session.execute(
        update(Letter)
        .where(Letter.customer_id == customer_id, Letter.kind.in_(kinds), Letter.used_at.is_(None))
        .values(used_at=wiring().clock.now())
    )


def link_of(letter: Letter) -> str:
    """The address that the letter's button leads to; empty when it has none."""
    words = WORDS[LetterKind(letter.kind)]
    if not words.action:
        return ""
    path = f"/account/link/{token_of(letter.id)}" if words.target == "link" else words.target
    return f"{wiring().settings.public_url}{_language_of(letter).prefix}{path}"


def token_of(letter_id: UUID) -> str:
    """The signed name of a letter: what its one-time link carries."""
    return str(_serializer().dumps(letter_id.hex))


def deliver(letter_id: UUID) -> bool:
    """Send one letter, at most once; True when it was sent. Commits.

    It is marked before it is sent: when the answer is lost, no letter is better than two. A definite failure takes
    the mark off again, and `send_unsent` tries later.
    """
    now = wiring().clock.now()
    claimed = db.session.execute(
        update(Letter)
        .where(Letter.id == letter_id, Letter.sent_at.is_(None), Letter.attempts < MOST_ATTEMPTS)
        .values(sent_at=now, attempts=Letter.attempts + 1)
        .returning(Letter.id)
    ).scalar_one_or_none()
    db.session.commit()
    if claimed is None:
        return False
    letter = db.session.get_one(Letter, letter_id, populate_existing=True)
    message = render(letter)
    db.session.commit()
    facts = {"letter": str(letter_id), "kind": letter.kind}
    try:
        account_wiring().notifier.send_email(message)
    except OutcomeUnknown as error:
        log.error("letter_outcome_unknown", extra={**facts, "reason": str(error)[:200]})
        return False
    except CartwrightError as error:
        db.session.execute(update(Letter).where(Letter.id == letter_id).values(sent_at=None))
        db.session.commit()
        log.warning("letter_not_sent", extra={**facts, "reason": str(error)[:200]})
        return False
    log.info("letter_sent", extra=facts)
    return True


def send_unsent(limit: int = 200) -> int:
    """Send what an outage or a crash left unsent; returns how many went out. Safe to run in several places at once."""
    now = wiring().clock.now()
    waiting = db.session.scalars(
        select(Letter.id)
        .where(
            Letter.sent_at.is_(None),
            Letter.attempts < MOST_ATTEMPTS,
            Letter.created_at < now - RETRY_AFTER,
            Letter.created_at > now - RETRY_UNTIL,
        )
        .order_by(Letter.created_at)
        .limit(limit)
    ).all()
    db.session.commit()
    return sum(deliver(letter_id) for letter_id in waiting)


def render(letter: Letter) -> EmailMessage:
    """The letter as an e-mail in its language: the same words as HTML and as text."""
    with speaking(_language_of(letter)):
        return _rendered(letter)


def _rendered(letter: Letter) -> EmailMessage:
    words, settings = WORDS[LetterKind(letter.kind)], wiring().settings
    values = {"shop": settings.shop_name, "email": letter.data.get("email", letter.email)}
    parts = {
        "subject": words.subject.format(**values),
        "headline": words.headline.format(**values),
        "lead": words.lead.format(**values),
        "note": words.note.format(**values),
        "action": str(words.action),
        "link": link_of(letter),
        "called": called(letter.name),
        "shop_name": settings.shop_name,
        "shop_url": f"{settings.public_url}{_language_of(letter).prefix}",
    }
    return EmailMessage(
        to=letter.email,
        subject=parts["subject"],
        text=render_template("account/mail/letter.txt", **parts),
        html=render_template("account/mail/letter.html", **parts),
        headers={"X-Correlation-Id": correlation_id.get(), "Auto-Submitted": "auto-generated"},
        tags={"event": f"account_{letter.kind}"},
    )


def _language_of(letter: Letter) -> Language:
    """A letter of an older release names none: then the shop's first."""
    return languages().find(letter.data.get(_LANGUAGE, ""))


def _send_when_answered(response: Response) -> Response:
    """Sending takes as long as the mail provider likes; the shopper's answer must not, nor tell whom we wrote to."""
    app, waiting = current_app._get_current_object(), list(g.letters)  # type: ignore[attr-defined]

    def send() -> None:
        with app.app_context():
            for letter_id in waiting:
                deliver(letter_id)

    response.call_on_close(send)
    return response


def _serializer() -> URLSafeSerializer:
    # itsdangerous signs with the last key of its list and accepts all of them.
    return URLSafeSerializer(list(reversed(keys_of(wiring().settings))), salt="account-letter")
