"""Customers: registered, signed in, changed. Every function leaves the commit to its caller unless it says otherwise."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from orders.domain.errors import NotFound, Refused
from orders.domain.ids import uuid7
from webapp import passwords
from webapp.account import attempts, letters, preferences
from webapp.account.models import Customer, Letter, LetterKind
from webapp.account.sessions import revoke_sessions
from webapp.extensions import db
from webapp.languages import _
from webapp.wiring import wiring


class AccountRefused(Refused):
    """An account change that cannot be: the address is taken."""

    code = "account_refused"


def fold_email(email: str) -> str:
    """The address as accounts are known by it."""
    return email.strip().lower()


def find_customer(email: str) -> Customer | None:
    """The account of an e-mail, in any case, or None."""
    return db.session.scalar(select(Customer).where(Customer.email == fold_email(email)))


def ask_to_register(email: str, order_id: str = "") -> None:
    """Write to an address that wants an account: a link for a new one, a hint for an old one. Same answer, same work.

    `order_id` is a guest's order whose signed link was shown: it joins the account when its e-mail is the same.
    Raises TooManyAttempts. Commits.
    """
    folded = fold_email(email)
    attempts.begin_letter(folded, wiring().clock.now())
    known = find_customer(folded)
    if known is None:
        letters.post(LetterKind.REGISTER, folded, order_id=order_id)
    else:
        letters.post(LetterKind.ALREADY_REGISTERED, folded, name=known.name, customer_id=known.id)
    db.session.commit()


def register(letter: Letter, *, name: str, password: str) -> Customer:
    """Make the account that a letter offers: its link proves the address. Raises AccountRefused when it is taken."""
    now = wiring().clock.now()
    customer_id = uuid7(now)
    # Of two letters to one address that are opened at once, one makes the account.
    made = db.session.scalar(
        insert(Customer)
        .values(
            id=customer_id,
            email=letter.email,
            name=name,
            password_hash=passwords.hash_password(password),
            password_changed_at=now,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(Customer.id)
    )
    if made is None:
        raise AccountRefused(_("This address has an account already; sign in instead."))
    letter.used_at = now
    return db.session.get_one(Customer, customer_id)


def sign_in(email: str, password: str) -> Customer | None:
    """The customer, when the password is right, else None after the same time. Raises TooManyAttempts. Commits the attempt."""
    attempts.begin_sign_in(email, wiring().clock.now())
    customer = find_customer(email)
    db.session.commit()  # No transaction is open during the slow hash.
    if not passwords.is_password(customer.password_hash if customer else None, password) or customer is None:
        return None
    if passwords.needs_rehash(customer.password_hash):
        customer.password_hash = passwords.hash_password(password)
    attempts.forget_sign_ins(email)
    return customer


def confirm_password(customer: Customer, password: str) -> bool:
    """Whether who is signed in knows the password: asked again before what matters most. Raises TooManyAttempts."""
    attempts.begin_sign_in(customer.email, wiring().clock.now())
    if not passwords.is_password(customer.password_hash, password):
        return False
    attempts.forget_sign_ins(customer.email)
    return True


def ask_for_reset(email: str) -> None:
    """Write to an address whose password was forgotten, account or not. Raises TooManyAttempts. Commits."""
    folded = fold_email(email)
    attempts.begin_letter(folded, wiring().clock.now())
    known = find_customer(folded)
    if known is None:
        letters.post(LetterKind.NO_ACCOUNT, folded)
    else:
        letters.post(LetterKind.RESET, folded, name=known.name, customer_id=known.id)
    db.session.commit()


def reset_password(letter: Letter, password: str) -> Customer:
    """Set the password that a reset letter allows. Every session ends. Raises NotFound when the account is gone."""
    customer = db.session.get(Customer, letter.customer_id) if letter.customer_id else None
    if customer is None or customer.email != letter.email:
        raise NotFound("this link was used or has expired")
    letter.used_at = wiring().clock.now()
    attempts.forget_sign_ins(customer.email)
    set_password(customer, password)
    return customer


def set_password(customer: Customer, password: str) -> None:
    """Replace the password: every session ends, unused reset links die, and the owner is told."""
    customer.password_hash = passwords.hash_password(password)
    customer.password_changed_at = wiring().clock.now()
    revoke_sessions(customer.id)
    letters.withdraw(customer.id, LetterKind.RESET)
    letters.post(LetterKind.PASSWORD_CHANGED, customer.email, name=customer.name, customer_id=customer.id)


def ask_to_change_email(customer: Customer, new_email: str) -> None:
    """Write to both addresses: the new one confirms, the present one may stop it. Commits. Raises TooManyAttempts.

    An address that has an account gets the letter that says so, and the answer is the same.
    """
    folded = fold_email(new_email)
    attempts.begin_letter(folded, wiring().clock.now())
    letters.withdraw(customer.id, LetterKind.CONFIRM_EMAIL, LetterKind.KEEP_EMAIL)
    known = find_customer(folded)
    if known is None:
        letters.post(LetterKind.CONFIRM_EMAIL, folded, name=customer.name, customer_id=customer.id)
    else:
        letters.post(LetterKind.ALREADY_REGISTERED, folded, name=known.name, customer_id=known.id)
    letters.post(
        LetterKind.KEEP_EMAIL, customer.email, name=customer.name, customer_id=customer.id, email=folded
    )
    db.session.commit()


def change_email(letter: Letter) -> Customer:
    """Make a confirmed address the account's; every session ends. Raises AccountRefused when it is taken meanwhile."""
    customer = (
        db.session.get(Customer, letter.customer_id, with_for_update=True) if letter.customer_id else None
    )
    if customer is None:
        raise NotFound("this link was used or has expired")
    if find_customer(letter.email) is not None:
        raise AccountRefused(_("This address has an account already."))
    before, letter.used_at = customer.email, wiring().clock.now()
    customer.email = letter.email
    preferences.move(before, letter.email)
    revoke_sessions(customer.id)
    letters.withdraw(customer.id, LetterKind.RESET, LetterKind.KEEP_EMAIL, LetterKind.CONFIRM_EMAIL)
    letters.post(
        LetterKind.EMAIL_CHANGED, before, name=customer.name, customer_id=customer.id, email=letter.email
    )
    return customer


def keep_email(letter: Letter) -> None:
    """Stop a change of address, and sign every device out: whoever asked for it knew the password."""
    letter.used_at = wiring().clock.now()
    if letter.customer_id:
        letters.withdraw(letter.customer_id, LetterKind.CONFIRM_EMAIL)
        revoke_sessions(letter.customer_id)
