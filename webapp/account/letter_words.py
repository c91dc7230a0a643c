"""What we write to shoppers about their account: one set of words, poured into an HTML and a text form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from webapp.account.models import LetterKind


@dataclass(frozen=True, slots=True)
class Words:
    """One letter. `{shop}` and `{email}` stand for the shop's name and `data.email`; without an action it has no link."""

    subject: str
    headline: str
    lead: str
    note: str
    action: str = ""
    target: str = "link"
    """`link` is the letter's own one-time link, else a path of the shop."""
    good_for: timedelta = timedelta(days=1)


_NOT_YOU = "If this was not you, you need not do anything."

WORDS: dict[LetterKind, Words] = {
    LetterKind.REGISTER: Words(
        "Your account at {shop}",
        "One step to your account",
        "Somebody, we hope you, wants an account with this e-mail address. Choose a password and it is yours.",
        f"The link works once and for two days. {_NOT_YOU}",
        "Choose a password",
        good_for=timedelta(days=2),
    ),
    LetterKind.ALREADY_REGISTERED: Words(
        "You have an account at {shop}",
        "You have an account already",
        "Somebody, perhaps you, wanted to make an account with this e-mail address. There is one: just sign in.",
        f"If the password has slipped your mind, the sign-in page helps. {_NOT_YOU}",
        "Sign in",
        "/account/sign-in",
    ),
    LetterKind.RESET: Words(
        "A new password for {shop}",
        "Choose a new password",
        "You asked for a new password. The link below lets you choose one; the old one works until then.",
        f"The link works once and for one hour. {_NOT_YOU}",
        "Choose a new password",
        good_for=timedelta(hours=1),
    ),
    LetterKind.NO_ACCOUNT: Words(
        "There is no account at {shop} with this address",
        "There is no account with this address",
        "Somebody, perhaps you, asked for a new password for this e-mail address, and no account has it.",
        f"You may have used another address, or ordered as a guest. {_NOT_YOU}",
        "Make an account",
        "/account/register",
    ),
    LetterKind.CONFIRM_EMAIL: Words(
        "Confirm your new address at {shop}",
        "Is this your new address?",
        "You want to use this e-mail address for your account. Confirm it, and it replaces the old one.",
        f"The link works once and for one day. {_NOT_YOU}",
        "Confirm the address",
    ),
    LetterKind.KEEP_EMAIL: Words(
        "Your address at {shop} is about to change",
        "Your e-mail address is about to change",
        "Somebody who knows your password wants {email} to be the address of your account.",
        "If this was you, confirm it from the new mailbox. If not, stop it here and choose a new password.",
        "This was not me",
        good_for=timedelta(days=7),
    ),
    LetterKind.EMAIL_CHANGED: Words(
        "Your address at {shop} was changed",
        "Your e-mail address was changed",
        "Your account now belongs to {email}. This address opens it no more.",
        "If this was not you, answer this e-mail at once.",
    ),
    LetterKind.PASSWORD_CHANGED: Words(
        "Your password at {shop} was changed",
        "Your password was changed",
        "Your account has a new password, and every other device was signed out.",
        "If this was not you, choose a new one with the link below and answer this e-mail.",
        "Choose a new password",
        "/account/forgotten",
    ),
    LetterKind.DELETED: Words(
        "Your account at {shop} is deleted",
        "Your account is deleted",
        "Your address book, sessions and preferences are gone, and your name is taken off your past orders.",
        "What tax law makes us keep (amounts and articles) no longer names you. Thank you for having been here.",
    ),
}
