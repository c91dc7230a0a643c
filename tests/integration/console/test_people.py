"""Staff sign in, prove themselves twice, are invited, are locked out, and everything they do is on record."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from tests.integration.console.shop import AsRole
from webapp.console.people.cli import DEMO_STAFF, ensure_demo_staff
from webapp.console.people.models import SignInAttempt, Staff, StaffAction, StaffSession
from webapp.console.permissions import Role
from webapp.extensions import db

PASSWORD = "a sentence as a password"


def test_without_a_session_every_page_leads_to_the_sign_in_page_and_back(app: Flask) -> None:
    """The page that was asked for is where signing in leads, when it is one of the console's."""
    answer = app.test_client().get("/console/account?x=1")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/console/sign-in?next=/console/account")


@pytest.mark.parametrize(
    "target", ["https://evil.example/console/", "//evil.example/console/", "/console/\\evil"]
)
def test_signing_in_never_leads_to_another_site(
    app: Flask, staff_of: Callable[[Role], str], target: str
) -> None:
    """An open redirect would lend the shop's name to a forger."""
    data = {"email": staff_of(Role.ADMIN), "password": PASSWORD}
    answer = app.test_client().post("/console/sign-in", query_string={"next": target}, data=data)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/console/")
    assert "evil" not in answer.headers["Location"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: Flask, staff_of: Callable[[Role], str]
) -> None:
    """HttpOnly, SameSite, and only for the console's paths."""
    data = {"email": staff_of(Role.ADMIN), "password": PASSWORD}
    cookie = app.test_client().post("/console/sign-in", data=data).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/console" in cookie


def test_the_sixth_wrong_password_is_refused_even_when_the_seventh_is_right(
    app: Flask, staff_of: Callable[[Role], str]
) -> None:
    """Five tries in a quarter of an hour; a right password after them does not open the door."""
    client, email = app.test_client(), staff_of(Role.ADMIN)
    answers = [
        client.post("/console/sign-in", data={"email": email, "password": f"wrong {n}"}).status_code
        for n in range(6)
    ]
    assert answers == [401] * 5 + [429]
    assert client.post("/console/sign-in", data={"email": email, "password": PASSWORD}).status_code == 429


def test_parallel_guesses_do_not_slip_past_the_limit(app: Flask, staff_of: Callable[[Role], str]) -> None:
    """Twelve guesses at once: at most five are judged."""
    email = staff_of(Role.ADMIN)

    def guess(n: int) -> int:
        data = {"email": email, "password": f"wrong {n}"}
        return app.test_client().post("/console/sign-in", data=data).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(guess, range(12)))
    assert answers.count(401) <= 5
    assert set(answers) <= {401, 429}


def test_signing_in_forgets_the_failures_before(app: Flask, staff_of: Callable[[Role], str]) -> None:
    """Somebody who remembers in time is not punished later."""
    client, email = app.test_client(), staff_of(Role.ADMIN)
    client.post("/console/sign-in", data={"email": email, "password": "wrong"})
    assert client.post("/console/sign-in", data={"email": email, "password": PASSWORD}).status_code == 302
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(SignInAttempt)) == 0


def _enrol(client: FlaskClient, app: Flask, email: str) -> tuple[pyotp.TOTP, list[str]]:
    client.get("/console/account/second-factor")
    with app.app_context():
        secret = db.session.scalar(select(Staff.totp_secret).where(Staff.email == email))
    totp = pyotp.TOTP(secret or "")
    page = client.post("/console/account/second-factor", data={"code": totp.now()})
    return totp, re.findall(r"<code>([0-9a-f]{6}-[0-9a-f]{6})</code>", page.text)


def test_with_a_second_factor_the_password_alone_opens_nothing(app: Flask, as_role: AsRole) -> None:
    """The session between password and code opens no page; a used code opens none either; a recovery code opens once."""
    _, recovery = _enrol(as_role(Role.MANAGER), app, "manager@shop.example")
    assert len(recovery) == 8
    client = app.test_client()
    data = {"email": "manager@shop.example", "password": PASSWORD}
    assert client.post("/console/sign-in", data=data).headers["Location"].startswith("/console/sign-in/code")
    assert client.get("/console/account").status_code == 302
    assert client.post("/console/sign-in/code", data={"code": "000000"}).status_code == 401
    with app.app_context():
        secret, last = db.session.execute(select(Staff.totp_secret, Staff.totp_last_step)).one()
    used = pyotp.TOTP(secret).at(last * 30)
    assert client.post("/console/sign-in/code", data={"code": used}).status_code == 401
    assert client.post("/console/sign-in/code", data={"code": recovery[0]}).status_code == 302
    assert client.get("/console/account").status_code == 200
    again = app.test_client()
    again.post("/console/sign-in", data=data)
    assert again.post("/console/sign-in/code", data={"code": recovery[0]}).status_code == 401


def test_a_revoked_session_is_over_at_the_next_request(app: Flask, as_role: AsRole) -> None:
    """Sessions live on the server: ending one needs no cooperation of the browser."""
    first, second = as_role(Role.SUPPORT), as_role(Role.SUPPORT)
    page = first.get("/console/account").text
    (other,) = re.findall(r"/console/account/sessions/([0-9a-f-]+)/revoke", page)
    assert first.post(f"/console/account/sessions/{other}/revoke").status_code == 302
    assert second.get("/console/account").status_code == 302
    assert first.get("/console/account").status_code == 200


def test_nobody_ends_a_session_of_somebody_else(app: Flask, as_role: AsRole) -> None:
    """The id of another's session is as good as an unknown one."""
    as_role(Role.ADMIN)
    with app.app_context():
        theirs = db.session.scalar(select(StaffSession.id))
    assert as_role(Role.VIEWER).post(f"/console/account/sessions/{theirs}/revoke").status_code == 404


def test_an_idle_session_ends(app: Flask, as_role: AsRole) -> None:
    """Twelve hours without a request."""
    client = as_role(Role.VIEWER)
    with app.app_context():
        db.session.execute(
            update(StaffSession).values(last_seen_at=func.now() - func.make_interval(0, 0, 0, 0, 13))
        )
        db.session.commit()
    assert client.get("/console/account").status_code == 302


def test_an_invitation_makes_one_account_with_its_role(app: Flask, as_role: AsRole) -> None:
    """The link works once and is stored nowhere in the clear."""
    page = as_role(Role.ADMIN).post(
        "/console/people/invitations", data={"email": "New@Shop.example", "role": "warehouse"}
    )
    (path,) = re.findall(r"(/console/invitation/[\w-]+)", page.text)
    guest = app.test_client()
    assert guest.get(path).status_code == 200
    data = {"name": "Nele", "password": PASSWORD, "repeated": PASSWORD}
    assert guest.post(path, data=data).status_code == 302
    assert app.test_client().post(path, data=data).status_code == 404
    with app.app_context():
        nele = db.session.scalar(select(Staff).where(Staff.email == "new@shop.example"))
        assert nele is not None
        assert nele.role == "warehouse"


def test_the_last_admin_cannot_lock_everybody_out(app: Flask, as_role: AsRole) -> None:
    """Without an admin nobody could make one."""
    client = as_role(Role.ADMIN)
    with app.app_context():
        staff_id = db.session.scalar(select(Staff.id))
    page = client.post(f"/console/people/{staff_id}", data={"role": "viewer", "is_active": "y"})
    assert "the last admin stays" in page.text
    assert client.get("/console/people").status_code == 200


def test_a_locked_account_is_out_at_once(app: Flask, as_role: AsRole) -> None:
    """Its sessions end with it."""
    admin, other = as_role(Role.ADMIN), as_role(Role.SUPPORT)
    with app.app_context():
        staff_id = db.session.scalar(select(Staff.id).where(Staff.role == "support"))
    assert admin.post(f"/console/people/{staff_id}", data={"role": "support"}).status_code == 302
    assert other.get("/console/account").status_code == 302


def test_away_from_the_laptop_the_console_waits_for_the_second_factor(app: Flask, as_role: AsRole) -> None:
    """Staff without a second factor reach their own account and nothing else."""
    from dataclasses import replace

    client = as_role(Role.ADMIN)
    wired = app.extensions["cartwright"]
    app.extensions["cartwright"] = replace(wired, settings=replace(wired.settings, stage="prod"))
    assert client.get("/console/people").headers["Location"] == "/console/account"
    assert client.get("/console/account").status_code == 200


def test_what_staff_do_is_in_the_audit_with_who_and_whence(app: Flask, as_role: AsRole) -> None:
    """Who, what, to whom, from which address, under which correlation id."""
    as_role(Role.ADMIN).post(
        "/console/people/invitations", data={"email": "x@shop.example", "role": "viewer"}
    )
    with app.app_context():
        action = db.session.scalar(select(StaffAction).where(StaffAction.action == "staff_invited"))
        assert action is not None
        assert (action.subject, action.ip) == ("staff:x@shop.example", "127.0.0.1")
        assert action.staff is not None
        assert action.staff.role == "admin"
        assert action.correlation_id


def test_the_first_admin_is_made_by_a_command(app: Flask) -> None:
    """Nobody in the console could make them."""
    arguments = ["staff", "create-admin", "Owner@Shop.example", "--password", PASSWORD]
    runner = app.test_cli_runner()
    assert "owner@shop.example is an admin" in runner.invoke(args=arguments).output
    repeated = runner.invoke(args=arguments)
    assert repeated.exit_code == 1
    assert "has an account already" in repeated.output


def test_the_demo_staff_are_made_once(app: Flask) -> None:
    """Seeding again changes nothing."""
    with app.app_context():
        email, password = ensure_demo_staff(db.engine)
        ensure_demo_staff(db.engine)
        assert db.session.scalar(select(func.count()).select_from(Staff)) == len(DEMO_STAFF)
    assert (
        app.test_client().post("/console/sign-in", data={"email": email, "password": password}).status_code
        == 302
    )
