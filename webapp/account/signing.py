"""Registering, signing in and out, forgotten passwords, and the pages behind the links in letters."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from orders import links
from orders.domain.errors import NotFound
from webapp.account import carts, customers, letters, order_access
from webapp.account.attempts import TooManyAttempts
from webapp.account.door import account, open_to_all, safe_next
from webapp.account.forms import ButtonForm, EmailForm, NewPasswordForm, RegisterForm, SignInForm
from webapp.account.models import Customer, Letter, LetterKind
from webapp.account.sessions import (
    begin_session,
    current_customer,
    current_session,
    drop_cookie,
    revoke_sessions,
    write_cookie,
)
from webapp.cart.cookie import drop_cart_cookie
from webapp.extensions import db
from webapp.languages import _
from webapp.rate_limit import limited
from webapp.wiring import wiring


def open_account(customer: Customer, target: str) -> Response:
    """Begin a session, take the browser's cart along, and go on. Commits.

    Everything that the browser had before is new: no session or token can have been planted.
    """
    session.clear()
    cart_id = carts.take_along(customer.id, request)
    token = begin_session(customer)
    db.session.commit()
    response = redirect(target, 303)
    write_cookie(response, token)
    carts.write_cookie(response, cart_id)
    return response


@account.route("/sign-in", methods=["GET", "POST"])
@open_to_all
@limited("sign-in", burst=30, per_seconds=60)
def sign_in() -> ResponseReturnValue:
    """E-mail and password. The answer to a wrong one is the same whether or not there is an account."""
    target = safe_next(request.args.get("next"))
    if current_customer() is not None and request.method == "GET":
        return redirect(target, 303)
    form, problem, status = SignInForm(), "", 200
    if form.validate_on_submit():
        try:
            customer = customers.sign_in(form.email.data, form.password.data)
        except TooManyAttempts as refused:
            db.session.rollback()
            problem, status = str(refused), 429
        else:
            if customer is not None:
                return open_account(customer, target)
            problem, status = _("E-mail and password do not match an account."), 401
    elif form.is_submitted():
        status = 422
    return render_template("account/sign_in.html", form=form, problem=problem, target=target), status


@account.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session, here and on the server. The cart stays with the account, not with the browser."""
    found = current_session()
    if found is not None:
        revoke_sessions(found.customer_id, only=found.id)
        db.session.commit()
    session.clear()
    flash(_("You are signed out."), "success")
    response = redirect(url_for("account.sign_in"), 303)
    drop_cookie(response)
    drop_cart_cookie(response)  # type: ignore[arg-type]
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@account.route("/register", methods=["GET", "POST"])
@open_to_all
@limited("letters", burst=20, per_seconds=300)
def register() -> ResponseReturnValue:
    """Ask for an account: a letter goes to the address, whatever it already has here."""
    if current_customer() is not None and request.method == "GET":
        return redirect(url_for("account.overview"), 303)
    token = request.args.get("order", "")[:64]
    order_id = links.read(token or (request.form.get("order") or "")[:64], links.keys_of(wiring().settings))
    form = EmailForm(data={"order": token, "email": order_access.email_of(order_id) if order_id else ""})
    return _ask(form, "account/register.html", lambda email: customers.ask_to_register(email, order_id or ""))


@account.route("/forgotten", methods=["GET", "POST"])
@open_to_all
@limited("letters", burst=20, per_seconds=300)
def forgotten() -> ResponseReturnValue:
    """Ask for a new password: a letter goes to the address, whether or not it has an account."""
    return _ask(EmailForm(), "account/forgotten.html", customers.ask_for_reset)


def _ask(form: EmailForm, page: str, ask: object) -> ResponseReturnValue:
    problem, status = "", 200
    if form.validate_on_submit():
        try:
            ask(form.email.data)  # type: ignore[operator]
        except TooManyAttempts as refused:
            db.session.rollback()
            problem, status = str(refused), 429
        else:
            return render_template("account/look_in_mailbox.html", email=form.email.data)
    elif form.is_submitted():
        status = 422
    return render_template(page, form=form, problem=problem), status


# A link is opened with GET and used with POST: mail scanners open every link that they see.
@account.route("/link/<token>", methods=["GET", "POST"])
@open_to_all
@limited("link", burst=20, per_seconds=60)
def link(token: str) -> ResponseReturnValue:
    """The page behind a letter's one-time link."""
    try:
        letter = letters.open_letter(token, lock=request.method == "POST")
        return _PAGES[LetterKind(letter.kind)](letter)
    except NotFound:
        db.session.rollback()
        return render_template("account/link_gone.html"), 410
    except customers.AccountRefused as refused:
        db.session.rollback()
        flash(str(refused), "error")
        return redirect(url_for("account.sign_in"), 303)


def _register(letter: Letter) -> ResponseReturnValue:
    form = RegisterForm(about=(letter.email, wiring().settings.shop_name))
    if not form.validate_on_submit():
        return render_template("account/welcome.html", form=form, email=letter.email), _status(form)
    customer = customers.register(letter, name=form.name.data, password=form.password.data)
    order_access.claim(customer, letter.data.get("order_id", ""))
    flash(_("Your account is ready."), "success")
    return open_account(customer, url_for("account.overview"))


def _reset(letter: Letter) -> ResponseReturnValue:
    form = NewPasswordForm(about=(letter.email, letter.name, wiring().settings.shop_name))
    if not form.validate_on_submit():
        return render_template("account/new_password.html", form=form, email=letter.email), _status(form)
    customer = customers.reset_password(letter, form.password.data)
    flash(_("Your new password is set, and every other device is signed out."), "success")
    return open_account(customer, url_for("account.overview"))


def _confirm_email(letter: Letter) -> ResponseReturnValue:
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_template(
            "account/confirm.html",
            form=form,
            title=_("Confirm your new address"),
            text=_(
                "From now on %(email)s is the address of your account. You sign in with it again.",
                email=letter.email,
            ),
            button=_("Confirm the address"),
        ), _status(form)
    customers.change_email(letter)
    db.session.commit()
    flash(_("Your address is changed. Sign in with the new one."), "success")
    return redirect(url_for("account.sign_in"), 303)


def _keep_email(letter: Letter) -> ResponseReturnValue:
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_template(
            "account/confirm.html",
            form=form,
            title=_("Keep your address"),
            text=_(
                "Your account stays with %(email)s, and every device is signed out. "
                "Then choose a new password: whoever asked for the change knew yours.",
                email=letter.email,
            ),
            button=_("Stop the change"),
        ), _status(form)
    customers.keep_email(letter)
    db.session.commit()
    flash(_("The change is stopped. Now choose a new password."), "success")
    return redirect(url_for("account.forgotten"), 303)


_PAGES = {
    LetterKind.REGISTER: _register,
    LetterKind.RESET: _reset,
    LetterKind.CONFIRM_EMAIL: _confirm_email,
    LetterKind.KEEP_EMAIL: _keep_email,
}


def _status(form: ButtonForm) -> int:
    return 422 if form.is_submitted() else 200
