"""What we write to shoppers about their account: one set of words, poured into an HTML and a text form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from webapp.account.models import LetterKind
from webapp.languages import LazyText, _l


@dataclass(frozen=True, slots=True)
class Words:
    """One letter. `{shop}` and `{email}` stand for the shop's name and `data.email`; without an action it has no link."""

    subject: LazyText
    headline: LazyText
    lead: LazyText
    note: LazyText
    action: LazyText | str = ""
    target: str = "link"
    """`link` is the letter's own one-time link, else a path of the shop."""
    good_for: timedelta = timedelta(days=1)


WORDS: dict[LetterKind, Words] = {
    LetterKind.REGISTER: Words(
        _l("Your account at {shop}"),
        _l("One step to your account"),
        _l(
            "Somebody, we hope you, wants an account with this e-mail address. "
            "Choose a password and it is yours."
        ),
        _l("The link works once and for two days. If this was not you, you need not do anything."),
        _l("Choose a password"),
        good_for=timedelta(days=2),
    ),
    LetterKind.ALREADY_REGISTERED: Words(
        _l("You have an account at {shop}"),
        _l("You have an account already"),
        _l(
            "Somebody, perhaps you, wanted to make an account with this e-mail address. "
            "There is one: just sign in."
        ),
        _l(
            "If the password has slipped your mind, the sign-in page helps. "
            "If this was not you, you need not do anything."
        ),
        _l("Sign in"),
        "/account/sign-in",
    ),
    LetterKind.RESET: Words(
        _l("A new password for {shop}"),
        _l("Choose a new password"),
        _l("You asked for a new password. The link below lets you choose one; the old one works until then."),
        _l("The link works once and for one hour. If this was not you, you need not do anything."),
        _l("Choose a new password"),
        good_for=timedelta(hours=1),
    ),
    LetterKind.NO_ACCOUNT: Words(
        _l("There is no account at {shop} with this address"),
        _l("There is no account with this address"),
        _l("Somebody, perhaps you, asked for a new password for this e-mail address, and no account has it."),
        _l(
            "You may have used another address, or ordered as a guest. "
            "If this was not you, you need not do anything."
        ),
        _l("Make an account"),
        "/account/register",
    ),
    LetterKind.CONFIRM_EMAIL: Words(
        _l("Confirm your new address at {shop}"),
        _l("Is this your new address?"),
        _l("You want to use this e-mail address for your account. Confirm it, and it replaces the old one."),
        _l("The link works once and for one day. If this was not you, you need not do anything."),
        _l("Confirm the address"),
    ),
    LetterKind.KEEP_EMAIL: Words(
        _l("Your address at {shop} is about to change"),
        _l("Your e-mail address is about to change"),
        _l("Somebody who knows your password wants {email} to be the address of your account."),
        _l(
            "If this was you, confirm it from the new mailbox. "
            "If not, stop it here and choose a new password."
        ),
        _l("This was not me"),
        good_for=timedelta(days=7),
    ),
    LetterKind.EMAIL_CHANGED: Words(
        _l("Your address at {shop} was changed"),
        _l("Your e-mail address was changed"),
        _l("Your account now belongs to {email}. This address opens it no more."),
        _l("If this was not you, answer this e-mail at once."),
    ),
    LetterKind.PASSWORD_CHANGED: Words(
        _l("Your password at {shop} was changed"),
        _l("Your password was changed"),
        _l("Your account has a new password, and every other device was signed out."),
        _l("If this was not you, choose a new one with the link below and answer this e-mail."),
        _l("Choose a new password"),
        "/account/forgotten",
    ),
    LetterKind.DELETED: Words(
        _l("Your account at {shop} is deleted"),
        _l("Your account is deleted"),
        _l(
            "Your address book, sessions and preferences are gone, "
            "and your name is taken off your past orders."
        ),
        _l(
            "What tax law makes us keep (amounts and articles) no longer names you. "
            "Thank you for having been here."
        ),
    ),
}
