"""What a customer sets: name and number, password, e-mail, devices, notifications."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.account import customers, preferences
from webapp.account.attempts import TooManyAttempts
from webapp.account.door import account, signed_in, this_session
from webapp.account.forms import ChangeEmailForm, DetailsForm, NotificationsForm, PasswordForm
from webapp.account.sessions import begin_session, live_sessions, revoke_sessions, write_cookie
from webapp.extensions import db
from webapp.languages import _, _l
from webapp.rate_limit import limited
from webapp.wiring import wiring

_WRONG = _l("This is not your present password.")


@account.route("/details", methods=["GET", "POST"])
@limited("account", burst=40, per_seconds=60)
def details() -> ResponseReturnValue:
    """Name and number: what a new checkout is filled with."""
    customer = signed_in()
    form = DetailsForm(data={"name": customer.name, "phone": customer.phone})
    if form.validate_on_submit():
        customer.name, customer.phone = form.name.data, form.phone.data or ""
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("account.details"), 303)
    return render_template("account/details.html", form=form, customer=customer), _status(form)


@account.route("/password", methods=["GET", "POST"])
@limited("account", burst=40, per_seconds=60)
def password() -> ResponseReturnValue:
    """A new password, against the present one: every session ends, and this browser gets a new one."""
    customer, status = signed_in(), 0
    form = PasswordForm(about=(customer.email, customer.name, wiring().settings.shop_name))
    if form.validate_on_submit():
        status = _ask_again(form)
        if not status:
            customers.set_password(customer, form.password.data)
            token = begin_session(customer)
            db.session.commit()
            flash(_("Your password is changed, and every other device is signed out."), "success")
            response = redirect(url_for("account.security"), 303)
            write_cookie(response, token)
            return response
    return render_template("account/password.html", form=form, customer=customer), status or _status(form)


@account.route("/email", methods=["GET", "POST"])
@limited("letters", burst=20, per_seconds=300)
def email() -> ResponseReturnValue:
    """Another address, against the password: the new one confirms, the present one may stop it."""
    customer, status = signed_in(), 0
    form = ChangeEmailForm()
    if form.validate_on_submit():
        status = _ask_again(form)
        if not status and customers.fold_email(form.email.data) == customer.email:
            form.email.errors, status = [_("This is your address already.")], 422
        if not status:
            try:
                customers.ask_to_change_email(customer, form.email.data)
            except TooManyAttempts as refused:
                db.session.rollback()
                form.email.errors, status = [str(refused)], 429
            else:
                return render_template("account/look_in_mailbox.html", email=form.email.data)
    return render_template("account/email.html", form=form, customer=customer), status or _status(form)


@account.get("/security")
def security() -> ResponseReturnValue:
    """Password, address, and every device that is signed in."""
    return render_template(
        "account/security.html",
        customer=signed_in(),
        sessions=live_sessions(signed_in().id),
        this=this_session(),
    )


@account.post("/sessions/<uuid:session_id>/end")
@limited("account", burst=40, per_seconds=60)
def end_session(session_id: UUID) -> ResponseReturnValue:
    """Sign out one of one's own devices."""
    if not revoke_sessions(signed_in().id, only=session_id):
        abort(404)
    db.session.commit()
    flash(_("That device is signed out."), "success")
    return redirect(url_for("account.security"), 303)


@account.post("/sessions/end-others")
@limited("account", burst=40, per_seconds=60)
def end_other_sessions() -> ResponseReturnValue:
    """Sign out every device but this one."""
    revoke_sessions(signed_in().id, but=this_session().id)
    db.session.commit()
    flash(_("Every other device is signed out."), "success")
    return redirect(url_for("account.security"), 303)


@account.route("/notifications", methods=["GET", "POST"])
@limited("account", burst=40, per_seconds=60)
def notifications() -> ResponseReturnValue:
    """By channel, whether news of orders are wanted."""
    customer = signed_in()
    form = NotificationsForm(data=dict(preferences.wanted(customer.email)))
    if form.validate_on_submit():
        preferences.choose(customer.email, email=bool(form.email.data), sms=bool(form.sms.data))
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("account.notifications"), 303)
    return render_template("account/notifications.html", form=form, customer=customer), _status(form)


def _ask_again(form: PasswordForm | ChangeEmailForm) -> int:
    """Ask for the present password before what matters most: 0 when it is right, else the status of the refusal."""
    try:
        if customers.confirm_password(signed_in(), form.current.data):
            return 0
        form.current.errors = [str(_WRONG)]
        return 422
    except TooManyAttempts as refused:
        db.session.rollback()
        form.current.errors = [str(refused)]
        return 429


def _status(form: object) -> int:
    return 422 if request.method == "POST" else 200
