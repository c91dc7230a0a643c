"""`flask staff ...`: the first admin, who can be made by nobody in the console, and the laptop's demo staff."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import click
from flask.cli import AppGroup
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.console.people.accounts import AccountRefused, create_staff, find_staff, set_password
from webapp.console.permissions import Role
from webapp.extensions import db

staff_commands = AppGroup("staff", help="The people who may use the console.")

DEMO_PASSWORD = "cartwright-demo"  # noqa: S105  (the laptop's, and printed there; see ensure_demo_staff)
DEMO_STAFF = {
    "demo@cartwright.example": ("Dana Demo", Role.ADMIN),
    "manager@cartwright.example": ("Mara Manager", Role.MANAGER),
    "packer@cartwright.example": ("Paul Packer", Role.WAREHOUSE),
    "support@cartwright.example": ("Sara Support", Role.SUPPORT),
    "viewer@cartwright.example": ("Vito Viewer", Role.VIEWER),
}


@staff_commands.command("create-admin")
@click.argument("email")
@click.option("--name", default="", help="How colleagues call them.")
@click.option(
    "--password", default=None, help="Read from the terminal when left out; never put it in a script."
)
def create_admin(email: str, name: str, password: str | None) -> None:
    """Make EMAIL an admin of the console. A second run with the same e-mail changes nothing and says so."""
    chosen = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        staff = create_staff(
            db.session(), email=email, name=name, role=Role.ADMIN, password=chosen, now=datetime.now(UTC)
        )
    except AccountRefused as refused:
        raise click.ClickException(str(refused)) from refused
    db.session.commit()
    click.echo(f"{staff.email} is an admin. Sign in at /console/sign-in.")


@staff_commands.command("password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Give EMAIL a random password and print it: for somebody who lost theirs."""
    staff = find_staff(db.session(), email)
    if staff is None:
        raise click.ClickException(f"{email} has no account")
    password = secrets.token_urlsafe(12)
    set_password(staff, password)
    db.session.commit()
    click.echo(password)


def ensure_demo_staff(engine: Engine) -> tuple[str, str]:
    """One account per role with a known password, and the e-mail and password to print. For the laptop only:
    the caller is local/, which is never deployed. Accounts that are there stay as they are."""
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        for email, (name, role) in DEMO_STAFF.items():
            if find_staff(session, email) is None:
                create_staff(session, email=email, name=name, role=role, password=DEMO_PASSWORD, now=now)
    return next(iter(DEMO_STAFF)), DEMO_PASSWORD
