"""Signing in and out, accepting an invitation, and one's own account."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp.console.door import console, current_session, current_staff, open_to_all, requires, safe_next
from webapp.console.people import accounts, invitations, second_factor
from webapp.console.people.audit import record
from webapp.console.people.forms import (
    AcceptForm,
    CodeForm,
    EmptyForm,
    PasswordForm,
    SignInForm,
)
from webapp.console.people.models import Staff
from webapp.console.people.sessions import (
    COOKIE,
    begin_session,
    find_session,
    live_sessions,
    revoke_sessions,
    set_cookie,
)
from webapp.console.permissions import Permission
from webapp.extensions import db
from webapp.wiring import wiring


def _address() -> str:
    return request.remote_addr or "unknown"


def _open(staff: Staff, target: str) -> ResponseReturnValue:
    """Begin a verified session and go on. The session id is new at every step: none can be planted before."""
    accounts.forget_attempts(db.session(), email=staff.email, address=_address())
    token = begin_session(staff, is_verified=True)
    record("signed_in", f"staff:{staff.email}", staff=staff)
    db.session.commit()
    response = redirect(target)
    set_cookie(response, token)  # type: ignore[arg-type]
    return response


@console.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> ResponseReturnValue:
    """E-mail and password; then the second factor when there is one."""
    form, problem, status = SignInForm(), "", 200
    target = safe_next(request.args.get("next"))
    if find_session() is not None and request.method == "GET":
        return redirect(target)
    if form.validate_on_submit():
        now = wiring().clock.now()
        try:
            accounts.begin_attempt(db.session(), email=form.email.data, address=_address(), now=now)
            staff = accounts.find_staff(db.session(), form.email.data)
            if accounts.check_password(staff, form.password.data):
                assert staff is not None  # noqa: S101  (check_password is False for nobody)
                if not staff.has_second_factor:
                    return _open(staff, target)
                token = begin_session(staff, is_verified=False)
                db.session.commit()
                response = redirect(url_for("console.sign_in_code", next=target))
                set_cookie(response, token)  # type: ignore[arg-type]
                return response
            record("sign_in_failed", f"staff:{form.email.data.strip().lower()}")
            db.session.commit()
            problem, status = "E-mail and password do not match an account.", 401
        except accounts.TooManyAttempts:
            problem, status = "Too many attempts. Wait a quarter of an hour, then try again.", 429
    return render_template("console/people/sign_in.html", form=form, problem=problem), status


@console.route("/sign-in/code", methods=["GET", "POST"])
@open_to_all
def sign_in_code() -> ResponseReturnValue:
    """The second factor, within five minutes of the password."""
    pending = find_session(is_verified=False)
    target = safe_next(request.args.get("next"))
    if pending is None:
        return redirect(url_for("console.sign_in", next=target))
    form, problem, status = CodeForm(), "", 200
    if form.validate_on_submit():
        now = wiring().clock.now()
        try:
            accounts.begin_attempt(db.session(), email=pending.staff.email, address=_address(), now=now)
            staff = db.session.scalar(
                select(Staff)
                .where(Staff.id == pending.staff_id)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
            if staff is not None and second_factor.take_code(staff, form.code.data, now):
                pending.revoked_at = now
                return _open(staff, target)
            db.session.rollback()
            problem, status = "This code is wrong or was used. Wait for the next one.", 401
        except accounts.TooManyAttempts:
            problem, status = "Too many attempts. Wait a quarter of an hour, then try again.", 429
    return render_template("console/people/code.html", form=form, problem=problem), status


@console.post("/sign-out")
@requires(Permission.OWN_ACCOUNT)
def sign_out() -> ResponseReturnValue:
    """End this session, here and on the server."""
    revoke_sessions(current_staff().id, only=current_session().id)
    record("signed_out", f"staff:{current_staff().email}")
    db.session.commit()
    response = redirect(url_for("console.sign_in"))
    response.delete_cookie(COOKIE, path="/console")
    return response


@console.route("/invitation/<token>", methods=["GET", "POST"])
@open_to_all
def accept_invitation(token: str) -> ResponseReturnValue:
    """Make the account that an invitation offers, and sign in."""
    now, form, problem = wiring().clock.now(), AcceptForm(), ""
    invitation = invitations.open_invitation(db.session(), token, now)
    if form.validate_on_submit():
        try:
            staff = invitations.accept(
                db.session(), token, name=form.name.data, password=form.password.data, now=now
            )
        except accounts.AccountRefused as refused:
            db.session.rollback()
            problem = str(refused)
        else:
            record("invitation_accepted", f"staff:{staff.email}", staff=staff, role=staff.role)
            return _open(staff, url_for("console.account"))
    return render_template("console/people/accept.html", form=form, invitation=invitation, problem=problem)


# --- one's own account ------------------------------------------------------------------------------------------


@console.get("/account")
@requires(Permission.OWN_ACCOUNT)
def account() -> ResponseReturnValue:
    """One's own account: password, second factor, sessions."""
    return _account_page(PasswordForm(formdata=None))


def _account_page(form: PasswordForm, status: int = 200) -> ResponseReturnValue:
    return render_template(
        "console/people/account.html",
        form=form,
        button=EmptyForm(formdata=None),
        sessions=live_sessions(current_staff()),
        this_session=current_session(),
    ), status


@console.post("/account/password")
@requires(Permission.OWN_ACCOUNT)
def change_password() -> ResponseReturnValue:
    """Change one's password; every other session ends."""
    form, staff = PasswordForm(), current_staff()
    if not form.validate_on_submit():
        return _account_page(form, 422)
    accounts.begin_attempt(db.session(), email=staff.email, address=_address(), now=wiring().clock.now())
    if not accounts.check_password(staff, form.current.data):
        form.current.errors = ["this is not your current password"]
        return _account_page(form, 422)
    accounts.set_password(staff, form.password.data)
    ended = revoke_sessions(staff.id, but=current_session().id)
    record("password_changed", f"staff:{staff.email}", sessions_ended=ended)
    db.session.commit()
    flash("Your password is changed, and every other session has ended.")
    return redirect(url_for("console.account"))


@console.post("/account/sessions/<uuid:session_id>/revoke")
@requires(Permission.OWN_ACCOUNT)
def revoke_own_session(session_id: UUID) -> ResponseReturnValue:
    """End one of one's own sessions."""
    if not revoke_sessions(current_staff().id, only=session_id):
        abort(404)
    record("session_revoked", f"staff:{current_staff().email}")
    db.session.commit()
    flash("That session has ended.")
    return redirect(url_for("console.account"))


@console.route("/account/second-factor", methods=["GET", "POST"])
@requires(Permission.OWN_ACCOUNT)
def enrol_second_factor() -> ResponseReturnValue:
    """Show a new secret as a QR code, and switch it on once a code proves that the app has it."""
    form, staff = CodeForm(), current_staff()
    if staff.has_second_factor:
        return redirect(url_for("console.account"))
    # The secret is kept with the unconfirmed account, not in the browser's cookie.
    if not staff.totp_secret:
        staff.totp_secret = second_factor.new_secret()
        db.session.commit()
    if form.validate_on_submit():
        now = wiring().clock.now()
        accounts.begin_attempt(db.session(), email=staff.email, address=_address(), now=now)
        if second_factor.take_code(staff, form.code.data, now):
            staff.totp_confirmed_at = now
            codes = second_factor.new_recovery_codes(staff)
            accounts.forget_attempts(db.session(), email=staff.email, address=_address())
            record("second_factor_enrolled", f"staff:{staff.email}")
            db.session.commit()
            return render_template("console/people/recovery.html", codes=codes)
        form.code.errors = ["this code does not match; is the telephone's clock right?"]
    image = second_factor.qr_code(staff.totp_secret, staff.email, wiring().settings.shop_name)
    return render_template("console/people/enrol.html", form=form, image=image, secret=staff.totp_secret)
