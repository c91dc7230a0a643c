"""The account's forms: every field with its limit and its message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    StringField,
    TelField,
    ValidationError,
)
from wtforms.validators import Email, InputRequired, Optional

from webapp.checkout.forms import AddressForm, at_most, international_phone, tidy
from webapp.languages import _, _l
from webapp.passwords import MAX_LENGTH, MIN_LENGTH, password_problem

_EMAIL = [
    InputRequired(_l("Enter your e-mail address.")),
    at_most(254),
    Email(_l("This e-mail address is not complete; one looks like name@example.com.")),
]
_EMAIL_FIELD = {"autocomplete": "username", "inputmode": "email", "spellcheck": "false"}
_CURRENT = {"autocomplete": "current-password", "spellcheck": "false"}
_NEW = {"autocomplete": "new-password", "spellcheck": "false", "minlength": str(MIN_LENGTH)}


class SignInForm(FlaskForm):  # type: ignore[misc]
    """E-mail and password."""

    email = EmailField(_l("E-mail"), _EMAIL, filters=[tidy], render_kw=_EMAIL_FIELD)
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Enter your password.")),
            at_most(MAX_LENGTH),
        ],
        render_kw=_CURRENT,
    )


class EmailForm(FlaskForm):  # type: ignore[misc]
    """An e-mail address to write to: registering and a forgotten password."""

    email = EmailField(_l("E-mail"), _EMAIL, filters=[tidy], render_kw=_EMAIL_FIELD)
    order = HiddenField()
    """The signed link of a guest's order that is to join the account."""


class _NewPassword(FlaskForm):  # type: ignore[misc]
    """A new password, judged against lists and against what others know of its owner."""

    password = PasswordField(_l("New password"), [InputRequired(_l("Choose a password."))], render_kw=_NEW)

    def __init__(self, *args: Any, about: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._about = about

    def validate_password(self, field: Field) -> None:
        """Length and lists, nothing else."""
        name = getattr(self, "name", None)
        if problem := password_problem(field.data or "", *self._about, (name.data or "") if name else ""):
            raise ValidationError(problem)


class RegisterForm(_NewPassword):
    """The account that a letter's link makes."""

    name = StringField(
        _l("Your name"),
        [InputRequired(_l("Enter your name.")), at_most(120)],
        filters=[tidy],
        render_kw={"autocomplete": "name"},
    )
    password = PasswordField(_l("Password"), [InputRequired(_l("Choose a password."))], render_kw=_NEW)


class NewPasswordForm(_NewPassword):
    """The password that a reset letter allows."""


class PasswordForm(_NewPassword):
    """A new password, against the present one."""

    current = PasswordField(
        _l("Present password"), [InputRequired(_l("Enter your present password."))], render_kw=_CURRENT
    )


class ChangeEmailForm(FlaskForm):  # type: ignore[misc]
    """A new address, against the password."""

    email = EmailField(_l("New e-mail address"), _EMAIL, filters=[tidy], render_kw=_EMAIL_FIELD)
    current = PasswordField(
        _l("Present password"), [InputRequired(_l("Enter your present password."))], render_kw=_CURRENT
    )


class DetailsForm(FlaskForm):  # type: ignore[misc]
    """Name and number."""

    name = StringField(
        _l("Your name"),
        [InputRequired(_l("Enter your name.")), at_most(120)],
        filters=[tidy],
        render_kw={"autocomplete": "name"},
    )
    phone = TelField(
        _l("Mobile number"),
        [Optional(strip_whitespace=True), at_most(30)],
        filters=[tidy],
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
    )

    def validate_phone(self, field: Field) -> None:
        """A number that a text message can be sent to, in its international form."""
        field.data = international_phone(field.data or "", "")
        if field.data and not (
            field.data.startswith("+") and field.data[1:].isdigit() and 8 <= len(field.data) <= 16
        ):
            raise ValidationError(_("Enter the number with its country code, such as +49 151 23456789."))


class SavedAddressForm(FlaskForm, AddressForm):  # type: ignore[misc]
    """An address for the book."""

    is_default = BooleanField(_l("Offer this address first"))


class OrderAddressForm(FlaskForm, AddressForm):  # type: ignore[misc]
    """Another address for an order that has not left. The country stays: it decides tax and delivery."""

    country = HiddenField()
    version = HiddenField()


class NotificationsForm(FlaskForm):  # type: ignore[misc]
    """By channel, whether it is wanted."""

    email = BooleanField(_l("E-mail about each step of my orders"))
    sms = BooleanField(_l("Text messages when a parcel moves"))


class DeleteForm(FlaskForm):  # type: ignore[misc]
    """Deleting the account, against the password."""

    current = PasswordField(
        _l("Present password"), [InputRequired(_l("Enter your present password."))], render_kw=_CURRENT
    )
    is_sure = BooleanField(
        _l("Yes, delete my account"), [InputRequired(_l("Tick the box: this cannot be undone."))]
    )


class ButtonForm(FlaskForm):  # type: ignore[misc]
    """A button: nothing but the token against forged requests."""
