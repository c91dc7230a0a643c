"""The checkout's forms: every field with its limit and its message, the same limits as the order API's."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, Form, FormField, RadioField, ValidationError
from wtforms.validators import Email, InputRequired, Length, Optional

from orders.countries import country_name
from webapp.checkout.cards import CardError, card_digits, expiry_month
from webapp.checkout.tariffs import tariffs
from webapp.checkout.widgets import CountryField, EmailLine, TelLine, TextLine, TextLines, Tick
from webapp.languages import _, _l, current_language
from webapp.written_fields import KeptFields

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PHONE = re.compile(r"^\+[1-9][0-9]{6,14}$")


def tidy(value: str | None) -> str:
    """What was typed without the spaces around it and the doubled ones in it."""
    return re.sub(r"[ \t\xa0]+", " ", value).strip() if value else ""


def _no_control(form: Form, field: Field) -> None:
    if field.data and _CONTROL.search(field.data):
        raise ValidationError(_("This contains characters that cannot be printed; type it again."))


def at_most(maximum: int) -> Length:
    """A text of so many characters, and no more."""
    return Length(max=maximum, message=_l("At most %(maximum)s characters.", maximum=maximum))


def _said(message: Any, maximum: int, *more: Any) -> list[Any]:
    return [
        InputRequired(message),
        at_most(maximum),
        _no_control,
        *more,
    ]


def _may_say(maximum: int, *more: Any) -> list[Any]:
    return [
        Optional(strip_whitespace=True),
        at_most(maximum),
        _no_control,
        *more,
    ]


def _autocomplete(token: str, **more: Any) -> dict[str, Any]:
    return {"autocomplete": token, **more}


class AddressForm(Form):  # type: ignore[misc]
    """A postal address."""

    Meta = KeptFields

    name = TextLine(
        _l("Full name"), _said(_l("Enter the name of the receiver."), 120), filters=[tidy],
        render_kw=_autocomplete("name"),
    )  # fmt: skip
    line1 = TextLine(
        _l("Street and number"), _said(_l("Enter the street and the house number."), 120), filters=[tidy],
        render_kw=_autocomplete("address-line1"),
    )  # fmt: skip
    line2 = TextLine(
        _l("Flat, floor, company"), _may_say(120), filters=[tidy], render_kw=_autocomplete("address-line2"),
    )  # fmt: skip
    postal_code = TextLine(
        _l("Postal code"), _said(_l("Enter the postal code."), 16), filters=[tidy],
        render_kw=_autocomplete("postal-code"),
    )  # fmt: skip
    city = TextLine(
        _l("Town or city"), _said(_l("Enter the town or city."), 80), filters=[tidy],
        render_kw=_autocomplete("address-level2"),
    )  # fmt: skip
    region = TextLine(
        _l("County or region"), _may_say(80), filters=[tidy], render_kw=_autocomplete("address-level1"),
    )  # fmt: skip
    country = CountryField(
        _l("Country"), [InputRequired(_l("Choose a country."))], invalid_choice_message=_l("Choose a country."),
        render_kw=_autocomplete("country"),
    )  # fmt: skip

    def validate_postal_code(self, field: Field) -> None:
        """The form of the postal code is the country's."""
        country = tariffs().countries.get(self.country.data or "")
        if country and field.data and not country.accepts_postal_code(field.data):
            raise ValidationError(
                _(
                    "This is not a postal code in %(country)s; one looks like %(example)s.",
                    country=country_name(country.code, current_language().code),
                    example=country.postal_example,
                )
            )

    def address(self) -> dict[str, str]:
        """The address as plain data."""
        names = ("name", "line1", "line2", "postal_code", "city", "region", "country")
        return {name: self[name].data or "" for name in names}


class DetailsForm(FlaskForm):  # type: ignore[misc]
    """Step 1: who orders, and where it goes."""

    Meta = KeptFields

    email = EmailLine(
        _l("E-mail"),
        _said(_l("Enter your e-mail address; the confirmation goes there."), 254,
              Email(_l("This e-mail address is not complete; one looks like name@example.com."))),
        filters=[tidy], render_kw=_autocomplete("email", inputmode="email", spellcheck="false"),
    )  # fmt: skip
    phone = TelLine(
        _l("Mobile number"), _may_say(30), filters=[tidy], render_kw=_autocomplete("tel", inputmode="tel"),
    )  # fmt: skip
    wants_sms = Tick(_l("Text me when the parcel moves"))
    shipping = FormField(AddressForm)
    saves_address = Tick(_l("Save this address in my account"))
    has_other_billing = Tick(_l("The invoice goes to another address"))
    billing = FormField(AddressForm)

    def validate(self, extra_validators: Any = None) -> bool:
        """The billing address counts only when it is a different one."""
        if self.has_other_billing.data:
            return bool(super().validate(extra_validators))
        billing = self._fields.pop("billing")
        try:
            return bool(super().validate(extra_validators))
        finally:
            self._fields["billing"] = billing

    def validate_phone(self, field: Field) -> None:
        """A number that a text message can be sent to, in its international form."""
        field.data = international_phone(field.data or "", self.shipping.form.country.data or "")
        if field.data and not _PHONE.match(field.data):
            raise ValidationError(_("Enter the number with its country code, such as +49 151 23456789."))

    def validate_wants_sms(self, field: Field) -> None:
        """Texts need a number."""
        if field.data and not (self.phone.data or "").strip():
            raise ValidationError(_("Enter a mobile number to get text messages."))

    def contact(self) -> dict[str, Any]:
        """The contact as the order request has it."""
        return {
            "name": self.shipping.form.name.data,
            "email": self.email.data,
            "phone": self.phone.data or "",
            "wants_sms": bool(self.wants_sms.data),
            "locale": current_language().code,
        }


def international_phone(typed: str, country_code: str) -> str:
    """A phone number as E.164 as far as it can be told; what cannot be is returned without its separators."""
    digits = re.sub(r"[\s()./-]", "", typed)
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    country = tariffs().countries.get(country_code)
    # Italy keeps its leading zero after the country code; elsewhere in our list it is a trunk prefix.
    if country and digits.startswith("0"):
        return f"+{country.dial}{digits if country.code == 'IT' else digits[1:]}"
    return digits


class DeliveryForm(FlaskForm):  # type: ignore[misc]
    """Step 2: how it gets there. The choices are the offers for the address."""

    Meta = KeptFields

    shipping_code = RadioField(
        _l("Delivery"),
        [InputRequired(_l("Choose a delivery."))],
        validate_choice=True,
        invalid_choice_message=_l("Choose a delivery."),
    )
    note = TextLines(
        _l("Note for the parcel service"), _may_say(500), filters=[tidy], render_kw={"rows": "2"}
    )


class CardForm(FlaskForm):  # type: ignore[misc]
    """Step 3 with the embedded test provider. Number and code are not stored, logged or sent back into a page."""

    Meta = KeptFields

    holder = TextLine(
        _l("Name on the card"), _said(_l("Enter the name on the card."), 120), filters=[tidy],
        render_kw=_autocomplete("cc-name"),
    )  # fmt: skip
    number = TextLine(
        _l("Card number"), _said(_l("Enter the card number."), 30), filters=[tidy],
        render_kw=_autocomplete("cc-number", inputmode="numeric", spellcheck="false"),
    )  # fmt: skip
    expiry = TextLine(
        _l("Expires"), _said(_l("Enter the expiry date."), 9), filters=[tidy],
        render_kw=_autocomplete("cc-exp", inputmode="numeric", placeholder=_l("MM / YY")),
    )  # fmt: skip
    code = TextLine(
        _l("Security code"), _said(_l("Enter the security code."), 4), filters=[tidy],
        render_kw=_autocomplete("cc-csc", inputmode="numeric", spellcheck="false"),
    )  # fmt: skip

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today

    def forget_card(self) -> None:
        """Empty the fields that must not be drawn again; name and expiry stay."""
        self.number.data = self.code.data = ""

    def validate_number(self, field: Field) -> None:
        """The check digit catches most typing errors before a bank is asked."""
        try:
            card_digits(field.data or "")
        except CardError as error:
            raise ValidationError(_(str(error))) from error

    def validate_expiry(self, field: Field) -> None:
        """A month that has not ended yet."""
        try:
            month = expiry_month(field.data or "")
        except CardError as error:
            raise ValidationError(_(str(error))) from error
        if month < self._today.replace(day=1):
            raise ValidationError(_("This card has expired; use another one."))

    def validate_code(self, field: Field) -> None:
        """Three or four digits."""
        if not re.fullmatch(r"[0-9]{3,4}", field.data or ""):
            raise ValidationError(_("The security code has three digits (four on American Express)."))


class HostedForm(FlaskForm):  # type: ignore[misc]
    """Step 3 where the provider's own page takes the card: nothing but the token against forged requests."""


class PlaceForm(FlaskForm):  # type: ignore[misc]
    """Step 4: the order itself. Its two hidden fields are read from the request by the route."""
