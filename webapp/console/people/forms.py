"""The forms of the staff's own pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Email, EqualTo, InputRequired, Length

from webapp.console.people.accounts import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from webapp.console.permissions import ROLE_NAMES

_NEW_PASSWORD = [
    InputRequired("choose a password"),
    Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH, f"at least {MIN_PASSWORD_LENGTH} characters, please"),
]
_ROLES = [SelectChoice(str(role), name) for role, name in ROLE_NAMES.items()]


class SignInForm(FlaskForm):  # type: ignore[misc]
    """E-mail and password."""

    email = StringField("E-mail", [InputRequired("type your e-mail"), Length(max=254)])
    password = PasswordField(
        "Password", [InputRequired("type your password"), Length(max=MAX_PASSWORD_LENGTH)]
    )


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The second factor."""

    code = StringField("Code", [InputRequired("type the six digits"), Length(max=20)])


class InvitationForm(FlaskForm):  # type: ignore[misc]
    """Whom to invite, as what."""

    email = StringField("E-mail", [InputRequired("type an e-mail"), Email("this is no e-mail address")])
    role = SelectField("Role", choices=_ROLES)


class AcceptForm(FlaskForm):  # type: ignore[misc]
    """The account that an invitation makes."""

    name = StringField("Your name", [InputRequired("how shall colleagues call you?"), Length(max=120)])
    password = PasswordField("Password", _NEW_PASSWORD)
    repeated = PasswordField("Password again", [EqualTo("password", "the two passwords differ")])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, against the old one."""

    current = PasswordField("Current password", [InputRequired("type your current password")])
    password = PasswordField("New password", _NEW_PASSWORD)
    repeated = PasswordField("New password again", [EqualTo("password", "the two passwords differ")])


class StaffForm(FlaskForm):  # type: ignore[misc]
    """What an admin may change of a colleague."""

    role = SelectField("Role", choices=_ROLES)
    is_active = BooleanField("May sign in")


class EmptyForm(FlaskForm):  # type: ignore[misc]
    """A button: nothing but the token against forged requests."""
